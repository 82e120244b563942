//! Puts blocks of a text into another order, takes some out and adds others.

use super::lines::attached;
use super::tree::{Branch, Node, Style, close_all, take_brace};

/// One block of the wanted order.
pub(super) enum Order {
    /// The one at this place among those of the text.
    Old(usize),
    /// One that is not in the text.
    New(Branch),
}

/// A block with the comments right above it.
struct Unit {
    comments: String,
    branch: Branch,
}

/// Makes the blocks among some pieces those of `order`. Blocks that stay in order keep their places, and so do the
/// pieces between them. `parent` is the last line of the block around them.
pub(super) fn arrange(nodes: &mut Vec<Node>, parent: Option<&mut String>, order: Vec<Order>, style: &Style) {
    let inside = parent.is_some();
    let count = nodes.iter().filter(|node| matches!(node, Node::Block(_))).count();
    let last = count.checked_sub(1);
    let kept: Vec<usize> = order
        .iter()
        .filter_map(|slot| if let Order::Old(index) = slot { Some(*index) } else { None })
        .collect();
    let in_order = kept.is_sorted();
    if in_order && !matches!(order.last(), Some(Order::New(_))) {
        // Nothing comes behind the last one, whose brace may stand in the parent's last line.
        let last_open = nodes.iter_mut().rev().find_map(Node::as_service).is_some_and(|b| b.tail.is_empty());
        if let Some(tail) = parent.filter(|_| last_open && last.is_some_and(|last| !kept.contains(&last))) {
            take_brace(tail);
        }
    } else {
        close_all(nodes, parent, if inside { &style.outer_server } else { "" }, style);
    }
    let (pieces, mut units) = split(std::mem::take(nodes));
    let mut slots: Vec<usize> = kept.clone();
    slots.sort_unstable();
    // What comes before the first old block, and with each old block what follows it.
    let mut leading = Vec::new();
    let mut groups: Vec<(Option<Unit>, Vec<Branch>)> = Vec::new();
    for slot in order {
        match slot {
            Order::Old(index) => groups.push((units.get_mut(index).and_then(Option::take), Vec::new())),
            Order::New(branch) => groups.last_mut().map_or(&mut leading, |(_, new)| new).push(branch),
        }
    }
    let mut groups = groups.into_iter();
    let mut leading = Some(leading);
    let default = default_place(&pieces, inside);
    for (at, piece) in pieces.into_iter().enumerate() {
        if at == default && count == 0 {
            nodes.extend(leading.take().into_iter().flatten().map(Node::Block));
        }
        match piece {
            Piece::Node(node) => nodes.push(node),
            Piece::Slot(index) => {
                nodes.extend(leading.take().into_iter().flatten().map(Node::Block));
                if slots.binary_search(&index).is_ok()
                    && let Some((Some(unit), new)) = groups.next()
                {
                    if !unit.comments.is_empty() {
                        nodes.push(Node::Text(unit.comments));
                    }
                    nodes.push(Node::Block(unit.branch));
                    nodes.extend(new.into_iter().map(Node::Block));
                }
            }
        }
    }
    nodes.extend(leading.into_iter().flatten().map(Node::Block));
}

enum Piece {
    Node(Node),
    /// Where the block with this number stood.
    Slot(usize),
}

fn split(nodes: Vec<Node>) -> (Vec<Piece>, Vec<Option<Unit>>) {
    let mut pieces = Vec::new();
    let mut units = Vec::new();
    for node in nodes {
        match node {
            Node::Block(branch) => {
                let mut comments = String::new();
                if let Some(Piece::Node(Node::Text(text))) = pieces.last_mut() {
                    let start = text.len() - attached(text).len();
                    comments = text.split_off(start);
                }
                pieces.push(Piece::Slot(units.len()));
                units.push(Some(Unit { comments, branch }));
            }
            node => pieces.push(Piece::Node(node)),
        }
    }
    (pieces, units)
}

/// Where blocks go where there are none: at the end, inside another block before what stands at its end.
fn default_place(pieces: &[Piece], inside: bool) -> usize {
    if !inside {
        return pieces.len();
    }
    let text = |piece: &&Piece| matches!(piece, Piece::Node(Node::Text(_)));
    pieces.len() - pieces.iter().rev().take_while(text).count()
}
