//! Follows a shell script far enough to see which commands it would give, with which words.
//!
//! Variables with plain values are put in, and a loop over words that are written out is followed once for each of
//! them; other loops are not, conditions are not decided, nothing is executed. Of a
//! `case` the branch that starts the service is taken. Every command is handed over, with the reason where it stands in
//! a part that is not read. Lines that begin with a hyphen are lines of `ipvsadm -R` and are split at blanks only.

use std::collections::BTreeSet;

use super::super::places::Spot;
use super::shell_frames::{At, Frame, Unread};
use super::shell_loops::{Recording, Taken};
use super::shell_variables::{ROOM, Token, Values, Variables, assignment, is_name};
use super::shell_words::{Lexeme, Piece, Placed, RawWord, is_blank, lex};

/// Words of a branch, a function or a condition that starts the service.
const STARTS: [&str; 8] = ["start", "up", "add", "enable", "on", "begin", "master", "load"];
/// The same of one that stops it or does something else.
const STOPS: [&str; 18] = [
    "stop", "down", "clear", "flush", "del", "delete", "remove", "disable", "off", "status", "usage", "help",
    "restart", "reload", "clean", "cleanup", "backup", "unload",
];
/// Blocks within blocks that are followed.
const DEPTH: usize = 64;
/// Loops within loops that are followed once for each of their words.
const NESTED: usize = 8;
/// Pieces of a script that are read again because they stand in a loop.
const REPEATED: usize = 200_000;
/// Words of an array.
const ELEMENTS: usize = 1_000;

/// A command that a script would give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'c> {
    /// At least one.
    pub(super) words: &'c [Token],
    /// A line of `ipvsadm -R`, without the program's name.
    pub(super) restored: bool,
    /// Why it is not to be read.
    pub(super) unread: Option<Unread<'c>>,
    /// It is the first behind a condition.
    pub(super) conditional: bool,
}

/// What the first look at a script finds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// It is a script, not only lines of `ipvsadm -R`.
    pub(super) script: bool,
    /// There are lines of `ipvsadm -R`.
    pub(super) restored: bool,
    /// Names of its functions.
    pub(super) functions: BTreeSet<String>,
    /// The last value of each variable.
    values: Values,
    /// The `case`s that have a branch that starts.
    cases: BTreeSet<At>,
}

impl Survey {
    /// Looks through a text for what is needed to follow it.
    pub(super) fn of(text: &str) -> Self {
        let first =
            Survey { script: text.trim_start_matches('\u{feff}').starts_with("#!"), ..Survey::default() };
        let mut found = Survey::default();
        let (mut script, mut restored) = (first.script, false);
        let mut machine = Machine::new(&first);
        machine.read(text, &mut |call| {
            restored |= call.restored;
            script |= !call.restored && super::host::program(call.words).is_some();
        });
        found.restored = restored;
        found.functions = std::mem::take(&mut machine.functions);
        found.cases = std::mem::take(&mut machine.found_cases);
        found.script = script || machine.structured;
        found.values = std::mem::take(&mut machine.variables.values);
        // A function that a loop calls would only see the last round.
        found.values.retain(|name, _| !machine.variables.has_rounds(name));
        found
    }

    /// Follows the text and hands over each command.
    pub(super) fn follow(&self, text: &str, sink: &mut impl FnMut(Call<'_>)) {
        Machine::new(self).read(text, sink);
    }
}

struct Machine<'s> {
    survey: &'s Survey,
    variables: Variables<'s>,
    frames: Vec<Frame>,
    /// Frames beyond [`DEPTH`].
    deeper: usize,
    words: Vec<RawWord>,
    /// The rest of this command is the head of a loop.
    discard: bool,
    /// It is the head of a `for`.
    head: bool,
    /// A loop that is followed once its end is seen.
    recording: Option<Recording>,
    /// Loops that are being followed.
    nested: usize,
    /// Pieces that may still be read again.
    left: usize,
    /// A function whose body is to come.
    function: Option<String>,
    /// Between the brackets of an array: its words so far.
    array: Option<Vec<RawWord>>,
    found_cases: BTreeSet<At>,
    functions: BTreeSet<String>,
    /// There was something only shells have.
    structured: bool,
    /// The word that ends the input which the lines are.
    here: Option<String>,
}

impl<'s> Machine<'s> {
    fn new(survey: &'s Survey) -> Self {
        Machine {
            survey,
            variables: Variables::new(&survey.values),
            frames: Vec::new(),
            deeper: 0,
            words: Vec::new(),
            discard: false,
            head: false,
            recording: None,
            nested: 0,
            left: REPEATED,
            function: None,
            array: None,
            found_cases: BTreeSet::new(),
            functions: BTreeSet::new(),
            structured: false,
            here: None,
        }
    }

    fn read(&mut self, text: &str, sink: &mut impl FnMut(Call<'_>)) {
        let mut joined: Vec<Placed> = Vec::new();
        for (number, line) in (1_u32..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let trimmed = line.trim_matches(is_blank);
            if joined.is_empty() && trimmed.starts_with(super::options::is_dash) {
                self.restore_line(number, line, sink);
                continue;
            }
            if let Some(end) = &self.here {
                if trimmed == end {
                    self.here = None;
                }
                continue;
            }
            if joined.is_empty() && trimmed.starts_with('#') {
                continue;
            }
            let columns = (1_u32..).map(|column| Spot { line: number, column });
            match trimmed.strip_suffix('\\').filter(|rest| !rest.ends_with('\\')) {
                Some(_) => {
                    let end = line.rfind('\\').unwrap_or(line.len());
                    joined.extend(line.get(..end).unwrap_or("").chars().zip(columns));
                    // A line of its own, so that the words around the break stay apart.
                    joined.push((' ', Spot { line: number, column: 1 }));
                }
                None => {
                    joined.extend(line.chars().zip(columns));
                    self.line(&joined, sink);
                    joined.clear();
                }
            }
        }
        self.line(&joined, sink);
        // Without its `done`.
        while self.recording.is_some() {
            self.give_up(sink);
        }
    }

    fn restore_line(&mut self, number: u32, line: &str, sink: &mut impl FnMut(Call<'_>)) {
        let mut words = Vec::new();
        let mut word: Option<Token> = None;
        for (c, column) in line.chars().zip(1_u32..) {
            match &mut word {
                _ if is_blank(c) => words.extend(word.take()),
                Some(word) => word.text.push(c),
                None => {
                    let spot = Spot { line: number, column };
                    word = Some(Token { text: c.into(), spot, unknown: None });
                }
            }
        }
        words.extend(word);
        if !words.is_empty() {
            let unread = self.unread().or(self.recording.as_ref().map(|_| Unread::Loop));
            sink(Call { words: &words, restored: true, unread, conditional: false });
        }
    }

    fn line(&mut self, line: &[Placed], sink: &mut impl FnMut(Call<'_>)) {
        for lexeme in lex(line).into_iter().chain([Lexeme::End]) {
            match (&mut self.recording, lexeme) {
                (_, Lexeme::Here(end)) => self.here = Some(end),
                (Some(recording), lexeme) => match recording.take(lexeme) {
                    Taken::On => {}
                    Taken::Complete => self.repeat(sink),
                    Taken::TooLong => self.give_up(sink),
                },
                (None, lexeme) => self.lexeme(lexeme, sink),
            }
        }
    }

    fn lexeme(&mut self, lexeme: Lexeme, sink: &mut impl FnMut(Call<'_>)) {
        match lexeme {
            Lexeme::Word(word) => self.word(word),
            Lexeme::Here(end) => self.here = Some(end),
            Lexeme::Target(word) => self.words.insert(0, word),
            Lexeme::Open => self.open(),
            Lexeme::Close => self.close(sink),
            Lexeme::Pipe | Lexeme::End if self.awaiting() || self.array.is_some() => {}
            Lexeme::BranchEnd => {
                self.flush(sink);
                if let Some(Frame::Case { awaiting, patterns, skip, .. }) = self.frames.last_mut() {
                    (*awaiting, *skip) = (true, false);
                    patterns.clear();
                }
            }
            Lexeme::Pipe | Lexeme::End => self.flush(sink),
        }
    }

    /// Reads what was recorded, within a loop or by itself.
    fn again(&mut self, lexeme: Lexeme, sink: &mut impl FnMut(Call<'_>)) {
        match &mut self.recording {
            None => self.lexeme(lexeme, sink),
            Some(recording) => match recording.take(lexeme) {
                Taken::On => {}
                Taken::Complete => self.repeat(sink),
                Taken::TooLong => self.give_up(sink),
            },
        }
    }

    /// The loop that was recorded, once for each of its words.
    fn repeat(&mut self, sink: &mut impl FnMut(Call<'_>)) {
        let Some(Recording { name, values, body, .. }) = self.recording.take() else { return };
        let cost = values.len().saturating_mul(body.len());
        let Some(left) = self.left.checked_sub(cost) else {
            self.once(body, sink);
            self.pop(|frame| matches!(frame, Frame::Loop));
            self.discard = true;
            return;
        };
        self.left = left;
        self.structured = true;
        self.nested += 1;
        self.variables.looping = true;
        for value in values {
            self.variables.next_round(&name, value);
            for lexeme in &body {
                self.again(lexeme.clone(), sink);
            }
            self.flush(sink);
        }
        self.nested -= 1;
        self.variables.looping = self.nested > 0;
        // What follows `done` tells where the loop reads and writes.
        self.discard = true;
    }

    /// What was recorded is a loop that is not followed, and goes on.
    fn give_up(&mut self, sink: &mut impl FnMut(Call<'_>)) {
        let Some(recording) = self.recording.take() else { return };
        self.once(recording.body, sink);
    }

    fn once(&mut self, body: Vec<Lexeme>, sink: &mut impl FnMut(Call<'_>)) {
        self.push(Frame::Loop);
        for lexeme in body {
            self.again(lexeme, sink);
        }
    }

    /// Whether the pattern of a branch is expected.
    fn awaiting(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Case { awaiting: true, .. }))
    }

    fn push(&mut self, frame: Frame) {
        self.structured = true;
        if self.frames.len() < DEPTH {
            self.frames.push(frame);
        } else {
            self.deeper += 1;
        }
    }

    /// Ends the innermost block if it is of this kind.
    fn pop(&mut self, kind: fn(&Frame) -> bool) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if self.frames.last().is_some_and(kind) {
            self.frames.pop();
        }
    }

    fn word(&mut self, word: RawWord) {
        let keyword = word.keyword().to_owned();
        if let Some(array) = &mut self.array {
            if array.len() <= ELEMENTS {
                array.push(word);
            }
            return;
        }
        if self.awaiting() {
            if keyword == "esac" {
                self.pop(|frame| matches!(frame, Frame::Case { .. }));
            } else if let Some(Frame::Case { patterns, .. }) = self.frames.last_mut()
                && patterns.len() < DEPTH
            {
                patterns.push(word.text().unwrap_or("?").to_ascii_lowercase());
            }
            return;
        }
        if self.words.first().is_some_and(|first| first.keyword() == "case") && keyword == "in" {
            let at = self.words.first().map_or((0, 0), |word| (word.spot.line, word.spot.column));
            self.words.clear();
            let starts = self.survey.cases.contains(&at);
            self.push(Frame::Case { starts, awaiting: true, patterns: Vec::new(), skip: false, at });
            return;
        }
        if !self.words.is_empty() || self.discard {
            self.words.push(word);
            return;
        }
        match keyword.as_str() {
            "if" => {
                self.push(Frame::If { condition: true, stops: false, taken: false, skip: false, told: false })
            }
            "elif" | "else" | "then" => self.turn(&keyword),
            "fi" => self.pop(|frame| matches!(frame, Frame::If { .. })),
            "for" | "select" | "while" | "until" => {
                self.push(Frame::Loop);
                self.discard = matches!(keyword.as_str(), "for" | "select");
                self.head = keyword == "for";
            }
            "done" => {
                self.pop(|frame| matches!(frame, Frame::Loop));
                self.discard = true;
            }
            "esac" => self.pop(|frame| matches!(frame, Frame::Case { .. })),
            "{" => self.body(),
            "}" => self.pop(|frame| matches!(frame, Frame::Brace { .. })),
            "do" | "!" => {}
            _ => self.words.push(word),
        }
    }

    /// The body of a function, or only a group.
    fn body(&mut self) {
        let name = self.function.take();
        self.functions.extend(name.clone());
        if name.is_some() {
            self.variables.forget_rounds();
        }
        let skip = name.as_deref().is_some_and(|name| speaks_of(name, &STOPS));
        self.push(Frame::Brace { name, skip });
    }

    /// From one part of an `if` to the next.
    fn turn(&mut self, keyword: &str) {
        let Some(Frame::If { condition, stops, taken, skip, .. }) = self.frames.last_mut() else { return };
        match keyword {
            "then" => {
                *condition = false;
                *skip = *taken || *stops;
                *taken |= !*skip;
            }
            "elif" => (*condition, *stops, *skip) = (true, false, *taken),
            _ => *skip = *taken,
        }
    }

    fn open(&mut self) {
        let Some(last) = self.words.last() else { return };
        let word = last.keyword();
        if assignment(last).is_some() {
            self.array = Some(Vec::new());
        } else if self.words.len() == 1 && is_name(word) {
            self.function = Some(word.to_owned());
        }
    }

    fn close(&mut self, sink: &mut impl FnMut(Call<'_>)) {
        if let Some(array) = self.array.take() {
            let plain = self.unread() != Some(Unread::Loop) && array.len() <= ELEMENTS;
            if let Some(word) = self.words.pop() {
                self.variables.assign_array(&word, &array, plain);
            }
            self.words.clear();
        } else if self.function.is_some() && self.words.len() == 1 {
            self.structured = true;
            self.words.clear();
        } else if self.awaiting() {
            self.branch();
        } else {
            self.flush(sink);
        }
    }

    /// The pattern of a branch is read.
    fn branch(&mut self) {
        let Some(Frame::Case { starts, awaiting, patterns, skip, at }) = self.frames.last_mut() else {
            return;
        };
        let start = patterns.iter().any(|pattern| speaks_of(pattern, &STARTS));
        (*awaiting, *skip) = (false, if *starts { !start } else { true });
        if start {
            self.found_cases.insert(*at);
        }
    }

    /// Why nothing is read here.
    fn unread(&self) -> Option<Unread<'_>> {
        self.frames.iter().rev().find_map(Frame::unread)
    }

    /// The head of a `for` is complete: its loop is recorded where it can be followed.
    fn begin_loop(&mut self, head: &[RawWord]) {
        if self.left == 0 {
            return;
        }
        let Some(recording) = Recording::of(head, &self.variables) else { return };
        self.left = self.left.saturating_sub(recording.values.len());
        if self.deeper > 0
            || self.nested >= NESTED
            || self.frames.iter().rev().skip(1).any(|f| f.unread().is_some())
        {
            return;
        }
        self.pop(|frame| matches!(frame, Frame::Loop));
        self.recording = Some(recording);
    }

    /// The command is complete.
    fn flush(&mut self, sink: &mut impl FnMut(Call<'_>)) {
        let mut words = std::mem::take(&mut self.words);
        let head = std::mem::take(&mut self.head);
        if std::mem::take(&mut self.discard) || words.is_empty() {
            if head {
                self.begin_loop(&words);
            }
            return;
        }
        if words.first().is_some_and(|word| word.keyword() == "function") {
            self.function = words.get(1).and_then(|word| word.text()).map(str::to_owned);
            if words.get(2).is_some_and(|word| word.keyword() == "{") {
                self.body();
            }
            return;
        }
        // A condition is looked at, not read.
        if let Some(Frame::If { condition: true, stops, .. }) = self.frames.last_mut() {
            let texts = || words.iter().flat_map(|word| &word.pieces);
            *stops |= texts().any(|piece| matches!(piece, Piece::Text(text) if speaks_of(text, &["stop"])));
            return;
        }
        let plain = self.unread() != Some(Unread::Loop);
        self.structured |= self.variables.assign(&mut words, plain) > 0;
        let mut room = ROOM;
        let tokens: Vec<Token> =
            words.iter().flat_map(|word| self.variables.tokens(word, &mut room)).collect();
        if tokens.is_empty() {
            return;
        }
        let conditional = match self.frames.last_mut() {
            Some(Frame::If { skip: false, told, .. }) => !std::mem::replace(told, true),
            _ => false,
        };
        sink(Call { words: &tokens, restored: false, unread: self.unread(), conditional });
    }
}

/// Whether one of the words of a text is one of these.
fn speaks_of(text: &str, words: &[&str]) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
}
