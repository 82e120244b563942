//! A line on its way from a text to words: its characters, and where each of them came from.
//!
//! Replacing a variable or joining two lines changes the characters; findings still name the line and column in the
//! file. Made by `syntax` and `paste`, taken apart by `lexer`.

use super::tree::FileIndex;
use crate::format::places::Spot;

/// From here on, characters stand at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// Byte offset in the text.
    at: usize,
    /// Place of the character there.
    spot: Spot,
    /// All characters up to the next mark stand at that place: they replace what is written there.
    replaced: bool,
}

/// One line to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The text that it stands in.
    pub(super) file: FileIndex,
    /// Its characters, without the line end.
    pub(super) text: String,
    first: Spot,
    first_replaced: bool,
    further: Vec<Mark>,
}

impl Line {
    /// A line as it stands in its file.
    pub(super) fn new(file: FileIndex, number: u32, text: &str) -> Line {
        let first = Spot { line: number, column: 1 };
        Line { file, text: text.to_owned(), first, first_replaced: false, further: Vec::new() }
    }

    /// A line that takes the place of what stands at one spot.
    pub(super) fn replacing(file: FileIndex, spot: Spot, text: String) -> Line {
        Line { file, text, first: spot, first_replaced: true, further: Vec::new() }
    }

    /// Where the character at a byte offset came from.
    pub(super) fn spot(&self, at: usize) -> Spot {
        self.spots().at(at)
    }

    /// The same for many offsets that only grow.
    pub(super) fn spots(&self) -> Spots<'_> {
        Spots { line: self, offset: 0, spot: self.first, replaced: self.first_replaced, next: 0 }
    }

    /// The bytes from here to there, with their places.
    pub(super) fn part(&self, start: usize, end: usize) -> Line {
        let mut part = Line {
            file: self.file,
            text: String::new(),
            first: self.first,
            first_replaced: self.first_replaced,
            further: Vec::new(),
        };
        part.append(self, start, end);
        part
    }

    /// Adds the bytes from here to there of another line behind this one.
    pub(super) fn append(&mut self, other: &Line, start: usize, end: usize) {
        self.append_in_order(&mut other.spots(), start, end);
    }

    /// The same for many parts of one line, each behind the one before it.
    pub(super) fn append_in_order(&mut self, spots: &mut Spots<'_>, start: usize, end: usize) {
        let base = self.text.len();
        let spot = spots.at(start);
        self.mark(Mark { at: base, spot, replaced: spots.replaced });
        let further = spots.line.further.get(spots.next..).unwrap_or_default();
        for mark in further.iter().take_while(|mark| mark.at < end) {
            self.mark(Mark { at: base + mark.at - start, ..*mark });
        }
        self.text.push_str(spots.line.text.get(start..end).unwrap_or_default());
    }

    /// Adds characters that replace what stands at a spot.
    pub(super) fn append_replacing(&mut self, spot: Spot, text: &str) {
        self.mark(Mark { at: self.text.len(), spot, replaced: true });
        self.text.push_str(text);
    }

    /// The line with the bytes from here to there replaced by the lines of a value. Of several, what stands before goes
    /// with the first, what follows with the last, which comes back; the others are handed over as they are complete.
    pub(super) fn replaced(
        &self,
        start: usize,
        end: usize,
        value: &[String],
        mut complete: impl FnMut(Line),
    ) -> Line {
        let spot = self.spot(start);
        let mut next = self.part(0, start);
        for (index, line) in value.iter().enumerate() {
            if index > 0 {
                complete(std::mem::replace(&mut next, Line::replacing(self.file, spot, String::new())));
            }
            next.append_replacing(spot, line);
        }
        next.append(self, end, self.text.len());
        next
    }

    fn mark(&mut self, mark: Mark) {
        if mark.at == 0 {
            self.first = mark.spot;
            self.first_replaced = mark.replaced;
            self.further.clear();
            return;
        }
        if let Some(last) = self.further.last_mut().filter(|last| last.at == mark.at) {
            *last = mark;
        } else {
            self.further.push(mark);
        }
    }
}

/// Places in a line, asked for from its beginning to its end.
#[derive(Clone, Debug)]
pub(super) struct Spots<'a> {
    line: &'a Line,
    offset: usize,
    spot: Spot,
    replaced: bool,
    next: usize,
}

impl Spots<'_> {
    /// Where the character at a byte offset came from; offsets must not become smaller.
    pub(super) fn at(&mut self, offset: usize) -> Spot {
        while let Some(mark) = self.line.further.get(self.next).filter(|mark| mark.at <= offset) {
            (self.offset, self.spot, self.replaced) = (mark.at, mark.spot, mark.replaced);
            self.next += 1;
        }
        if !self.replaced {
            let passed = self.line.text.get(self.offset..offset).unwrap_or_default().chars().count();
            self.spot.column = self.spot.column.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        }
        self.offset = offset.max(self.offset);
        self.spot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(line: &Line) -> Vec<u32> {
        let mut spots = line.spots();
        line.text.char_indices().map(|(at, _)| spots.at(at).column).collect()
    }

    #[test]
    fn characters_keep_their_place_through_every_change() {
        let line = Line::new(FileIndex(0), 7, "aé $X b");
        assert_eq!(columns(&line), [1, 2, 3, 4, 5, 6, 7]);
        let replaced = line.replaced(4, 6, &["12".to_owned()], |_| panic!("one line"));
        assert_eq!(replaced.text, "aé 12 b");
        assert_eq!(columns(&replaced), [1, 2, 3, 4, 4, 6, 7]);
        let part = replaced.part(5, replaced.text.len());
        assert_eq!((part.text.as_str(), columns(&part)), ("2 b", vec![4, 6, 7]));
        let mut before = Vec::new();
        let value = ["12".to_owned(), "3".to_owned()];
        let last = line.replaced(4, 6, &value, |line| before.push((line.text.clone(), columns(&line))));
        assert_eq!(before, [("aé 12".to_owned(), vec![1, 2, 3, 4, 4])]);
        assert_eq!((last.text.as_str(), columns(&last)), ("3 b", vec![4, 6, 7]));
        assert_eq!(columns(&Line::replacing(FileIndex(0), Spot { line: 1, column: 9 }, "xy".into())), [9, 9]);
    }
}
