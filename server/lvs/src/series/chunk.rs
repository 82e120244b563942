//! Samples packed one after the other: what differs from the one before, and runs where nothing does.
//!
//! A record is a byte that says which values changed and for each the difference of its code (zigzag, seven bits a
//! byte); or a 0 byte and a count: so many moments more like the one before, or so many gaps.

use super::code::{codes, values};
use super::{Sample, VALUES};

/// Packed samples that do not follow the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packed samples end within a record or say something impossible, at byte {at}")]
pub struct Broken {
    /// Where.
    pub at: usize,
}

/// Samples at even distances, being packed.
#[derive(Clone, Debug)]
pub struct Chunk {
    start: i64,
    step_s: u32,
    count: u32,
    bytes: Vec<u8>,
    last: [u32; VALUES],
    /// Moments that are not written yet: gaps or not, and how many.
    run: Option<(bool, u32)>,
}

fn number(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn run(bytes: &mut Vec<u8>, run: Option<(bool, u32)>) {
    if let Some((gap, count)) = run {
        bytes.push(0);
        number(bytes, (count - 1) << 1 | u32::from(gap));
    }
}

impl Chunk {
    /// One that begins at that second.
    pub fn new(start: i64, step_s: u32) -> Self {
        Chunk { start, step_s, count: 0, bytes: Vec::new(), last: [0; VALUES], run: None }
    }

    /// Seconds since 1970 of its first sample.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The moment after its last sample.
    pub fn until(&self) -> i64 {
        self.start + i64::from(self.step_s) * i64::from(self.count)
    }

    /// Seconds between two samples.
    pub fn step_s(&self) -> u32 {
        self.step_s
    }

    /// How many moments it has.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The next moment: a sample, or a gap.
    pub fn push(&mut self, sample: Option<&Sample>) {
        self.count += 1;
        let codes = sample.map_or(self.last, |sample| codes(sample.values()));
        let gap = sample.is_none();
        if gap || codes == self.last {
            match &mut self.run {
                Some((gaps, count)) if *gaps == gap => *count += 1,
                other => {
                    run(&mut self.bytes, other.take());
                    *other = Some((gap, 1));
                }
            }
            return;
        }
        run(&mut self.bytes, self.run.take());
        let changed = |(bit, (now, last)): (usize, (&u32, &u32))| if now == last { 0 } else { 1_u8 << bit };
        self.bytes.push(codes.iter().zip(&self.last).enumerate().map(changed).sum());
        for (now, last) in codes.iter().zip(self.last) {
            if *now != last {
                let difference = i64::from(*now) - i64::from(last);
                let zigzag = (difference << 1) ^ (difference >> 63);
                number(&mut self.bytes, u32::try_from(zigzag).unwrap_or(u32::MAX));
            }
        }
        self.last = codes;
    }

    /// It as bytes; more may be pushed afterwards.
    pub fn packed(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        run(&mut bytes, self.run);
        bytes
    }
}

/// Where in the bytes a reader is.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    fn number(&mut self) -> Result<u32, Broken> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte().ok_or(Broken { at: self.at })?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Broken { at: self.at })
    }
}

/// Reads packed samples; more than `most` moments are an error.
pub fn unpack(bytes: &[u8], most: usize) -> Result<Vec<Option<Sample>>, Broken> {
    let mut reader = Reader { bytes, at: 0 };
    let mut last = [0_u32; VALUES];
    let mut samples = Vec::new();
    while let Some(changed) = reader.byte() {
        let broken = Broken { at: reader.at };
        if changed == 0 {
            let said = reader.number()?;
            let (gap, count) = (said & 1 == 1, (said >> 1) as usize + 1);
            if samples.len() + count > most {
                return Err(broken);
            }
            let sample = (!gap).then(|| Sample::of(values(last)));
            samples.extend(std::iter::repeat_n(sample, count));
            continue;
        }
        for (bit, last) in last.iter_mut().enumerate() {
            if changed & (1 << bit) != 0 {
                let zigzag = i64::from(reader.number()?);
                let difference = (zigzag >> 1) ^ -(zigzag & 1);
                *last = u32::try_from(i64::from(*last) + difference).map_err(|_| broken.clone())?;
            }
        }
        if samples.len() >= most {
            return Err(broken);
        }
        samples.push(Some(Sample::of(values(last))));
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same every time.
    pub(super) fn noise(seed: &mut u64) -> f64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 11) as f64 / (1_u64 << 53) as f64
    }

    #[test]
    fn what_was_packed_comes_back_with_gaps_and_runs() {
        let quiet = Sample::default();
        let busy = Sample { active: 200.0, connections: 1.25, in_bytes: 99.0, ..Sample::default() };
        let moments = [
            None,
            None,
            Some(quiet),
            Some(quiet),
            Some(busy),
            Some(busy),
            None,
            Some(busy),
            Some(quiet),
            None,
        ];
        let mut chunk = Chunk::new(1_000, 10);
        for (index, moment) in moments.iter().enumerate() {
            chunk.push(moment.as_ref());
            assert_eq!(unpack(&chunk.packed(), 100).unwrap(), moments[..=index]);
        }
        assert_eq!((chunk.start(), chunk.until(), chunk.count()), (1_000, 1_100, 10));
        assert!(unpack(&chunk.packed(), 9).is_err(), "a bound is kept");
    }

    #[test]
    fn any_bytes_are_read_or_refused_and_never_more_than_the_bound() {
        let mut seed = 7;
        for length in 0..200_usize {
            for _ in 0..20 {
                let bytes: Vec<u8> = (0..length).map(|_| (noise(&mut seed) * 256.0) as u8).collect();
                if let Ok(samples) = unpack(&bytes, 500) {
                    assert!(samples.len() <= 500);
                }
            }
        }
        assert!(unpack(&[0, 0xff, 0xff, 0xff, 0xff, 0x0f], 500).is_err());
        assert_eq!(unpack(&[1], 500), Err(Broken { at: 1 }));
    }
}
