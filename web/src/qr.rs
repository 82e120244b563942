//! A text as a QR code: one path of squares for an SVG in the page, so that nothing is fetched and no style is needed.
//!
//! Pure. Called by the page that sets up a second factor.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around the code, as readers expect (ISO/IEC 18004).
const QUIET: usize = 4;

/// A square picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Its sides, in modules.
    pub(crate) side: usize,
    /// The dark parts: data of an SVG path.
    pub(crate) path: String,
}

/// The picture of a text; none where it is too long for one.
pub(crate) fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (row, colors) in code.to_colors().chunks(width).enumerate() {
        let mut from = 0;
        // Neighbours of one colour are one stroke.
        for run in colors.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                let (x, y, length) = (from + QUIET, row + QUIET, run.len());
                path.push_str(&format!("M{x} {y}h{length}v1h-{length}z"));
            }
            from += run.len();
        }
    }
    Some(Picture { side: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dark modules that a path draws.
    fn drawn(picture: &Picture) -> Vec<Vec<bool>> {
        let mut modules = vec![vec![false; picture.side]; picture.side];
        for stroke in picture.path.split('M').skip(1) {
            let mut numbers = stroke.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
            let (x, y, length): (usize, usize, usize) =
                (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap());
            for module in modules.get_mut(y).unwrap().iter_mut().skip(x).take(length) {
                *module = true;
            }
        }
        modules
    }

    #[test]
    fn the_path_draws_the_code_with_white_around_it() {
        let text = "otpauth://totp/Caribe:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Caribe";
        let picture = picture(text).unwrap();
        let modules = drawn(&picture);
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        for (y, row) in modules.iter().enumerate() {
            for (x, dark) in row.iter().enumerate() {
                let inside = |at: usize| (QUIET..picture.side - QUIET).contains(&at);
                let expected = inside(x) && inside(y) && code[(x - QUIET, y - QUIET)] == Color::Dark;
                assert_eq!(*dark, expected, "{x} {y}");
            }
        }
        // A finder pattern: seven dark modules, from the corner on.
        let corner = modules.get(QUIET).unwrap();
        assert!(corner.iter().skip(QUIET).take(7).all(|dark| *dark) && !corner.get(QUIET + 7).unwrap());
    }

    #[test]
    fn what_is_too_long_has_no_picture() {
        assert_eq!(picture(&"x".repeat(5_000)), None);
    }
}
