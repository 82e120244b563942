//! The list of finding codes with their English sentences. Codes are stable: automation and translations key on them.

macro_rules! codes {
    ($( $variant:ident $name:literal $text:literal; )*) => {
        /// What a finding is about. The documentation of each is its sentence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $( #[doc = $text] $variant, )* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[ $( Code::$variant, )* ];

            /// The stable name, as printed in brackets and sent by the API.
            pub fn as_str(self) -> &'static str {
                match self { $( Code::$variant => $name, )* }
            }

            /// The English sentence with `{name}` where a value goes.
            pub fn template(self) -> &'static str {
                match self { $( Code::$variant => $text, )* }
            }
        }
    };
}

codes! {
    NameMissing "name-missing" "a name is needed";
    NameTooLong "name-too-long" "a name has at most 64 characters, this one has {length}";
    NameCharacter "name-character" "{character} cannot be part of a name";
    NameTaken "name-taken" "the name {name} is used twice";
}
