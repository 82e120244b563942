//! What directors follow of the orders for real servers.

use lvs::health::LocalOrders;

use super::Board;

impl Board {
    /// The orders of a cluster have this serial now.
    pub(crate) fn ordered(&self, cluster: &str, serial: u64) {
        if let Some(known) = self.inside().clusters.get_mut(cluster) {
            known.orders = known.orders.max(serial);
        }
        self.ticked();
    }

    /// A director has answered to the orders with this serial, one way or the other.
    pub(crate) fn told_orders(&self, director: &str, serial: u64) {
        if let Some(entry) = self.inside().directors.get_mut(director) {
            entry.told = Some(serial);
        }
    }

    /// The highest serial that a director of this cluster says it holds.
    pub(crate) fn orders_held(&self, cluster: &str) -> u64 {
        let inside = self.inside();
        let held = inside.directors.values().filter(|entry| entry.who.cluster == cluster);
        held.filter_map(|entry| Some(entry.orders.as_ref()?.serial)).max().unwrap_or(0)
    }

    /// What was ordered on a connected director itself and not heard of here.
    pub(crate) fn local_orders(&self, director: &str) -> Option<LocalOrders> {
        let inside = self.inside();
        let entry = inside.directors.get(director).filter(|entry| entry.connected)?;
        let local = &entry.orders.as_ref()?.local;
        (!local.orders.is_empty()).then(|| local.clone())
    }

    /// Whether a connected director should be told the orders: it has not answered to the newest, nor says that it holds
    /// them.
    pub(crate) fn orders_due(&self, director: &str) -> bool {
        let inside = self.inside();
        let Some(entry) = inside.directors.get(director) else { return false };
        let newest = inside.clusters.get(&entry.who.cluster).map_or(0, |known| known.orders);
        let holds = entry.orders.as_ref().map_or(0, |orders| orders.serial);
        entry.connected && newest > holds && entry.told != Some(newest)
    }
}
