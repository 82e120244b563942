//! Which orders for real servers have come to an end, each told once.
//!
//! What was so already when somebody first looked is no news: an agent that starts, or a director that becomes active, does
//! not repeat it. `desk` calls it.

use std::collections::BTreeMap;

use lvs::health::OrderEnd;
use lvs::journal::Happening;
use lvs::table::{ServerKey, ServiceKey};

/// A real server of a service.
type Whose = (ServiceKey, ServerKey);
/// Of which real server, when its order was given, and what it has come to.
pub(super) type Seen = (Whose, i64, Option<OrderEnd>);

/// What is known of the orders in force; none before the first look.
#[derive(Debug, Default)]
pub(super) struct Ends(Option<BTreeMap<Whose, (i64, Option<OrderEnd>)>>);

impl Ends {
    /// Takes all orders as they are; says which have come to an end since the last time.
    pub(super) fn look(&mut self, seen: Vec<Seen>) -> Vec<Happening> {
        let before = self.0.replace(seen.iter().map(|(key, given, end)| (*key, (*given, *end))).collect());
        let Some(before) = before else { return Vec::new() };
        let news = |(key, given, end): Seen| {
            let end = end?;
            let known = before.get(&key).filter(|(known, _)| *known == given).and_then(|(_, end)| *end);
            let told = known.is_some_and(|known| known.is_like(end));
            (!told).then_some(Happening::OrderCame { service: key.0, server: key.1, end })
        };
        seen.into_iter().filter_map(news).collect()
    }

    /// Nobody looks for now.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_once_and_what_was_so_at_first_is_not() {
        let key = ("tcp 192.0.2.1:80".parse().unwrap(), "10.0.0.1:80".parse().unwrap());
        let seen = |given: i64, end| vec![(key, given, end)];
        let ends = |happened: Vec<Happening>| -> Vec<OrderEnd> {
            happened
                .into_iter()
                .map(|what| match what {
                    Happening::OrderCame { end, .. } => end,
                    other => panic!("{other:?}"),
                })
                .collect()
        };
        let overdue = |left| Some(OrderEnd::Overdue { left: Some(left) });
        let mut known = Ends::default();
        assert!(known.look(seen(1, Some(OrderEnd::Drained))).is_empty(), "it was so before");
        assert!(known.look(seen(1, Some(OrderEnd::Drained))).is_empty());
        assert!(known.look(seen(2, None)).is_empty(), "another order");
        assert_eq!(ends(known.look(seen(2, overdue(3)))), [overdue(3).unwrap()]);
        assert!(known.look(seen(2, overdue(2))).is_empty(), "the same, with less left");
        assert_eq!(ends(known.look(seen(2, Some(OrderEnd::Drained)))), [OrderEnd::Drained]);
        assert_eq!(ends(known.look(seen(3, Some(OrderEnd::Cut)))), [OrderEnd::Cut]);
        assert!(known.look(Vec::new()).is_empty());
        assert_eq!(ends(known.look(seen(4, Some(OrderEnd::Ended)))), [OrderEnd::Ended]);
        known.forget();
        assert!(known.look(seen(5, Some(OrderEnd::Drained))).is_empty());
    }
}
