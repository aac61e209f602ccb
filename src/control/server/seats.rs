//! How many may be connected at once, over both sockets.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Level;

/// All connections together.
const SEATS: usize = 32;

/// Of these, kept free for administrators, so that no crowd shuts them out.
const KEPT: usize = 4;

/// Connections of one user; root has no such bound, since it needs none to
/// do what it wants with us.
const PER_USER: usize = 8;

/// The seats that are taken, by user.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<BTreeMap<u32, usize>>>);

/// Somebody sits here; dropped when he leaves.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    uid: u32,
}

impl Seats {
    /// A seat, if there is one for this user.
    pub fn take(&self, uid: u32, level: Level) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&uid).copied());
        let is_root = uid == 0;
        let seats = if is_root || level == Level::Admin {
            SEATS
        } else {
            SEATS - KEPT
        };
        if all >= seats || (!is_root && own >= Some(PER_USER)) {
            return None;
        }
        *taken.entry(uid).or_default() += 1;
        Some(Seat {
            seats: self.clone(),
            uid,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.uid) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(seats: &Seats, uid: u32, level: Level, wanted: usize) -> Vec<Seat> {
        (0..wanted).map_while(|_| seats.take(uid, level)).collect()
    }

    #[test]
    fn a_user_has_eight_seats_over_both_sockets() {
        let seats = Seats::default();
        let mut own = crowd(&seats, 1000, Level::Public, 5);
        own.extend(crowd(&seats, 1000, Level::Admin, 5));
        assert_eq!(own.len(), 8);
        own.pop();
        assert!(seats.take(1000, Level::Admin).is_some());
    }

    #[test]
    fn the_thirty_third_is_turned_away_whoever_it_is() {
        let seats = Seats::default();
        let root = crowd(&seats, 0, Level::Public, 33);
        assert_eq!(root.len(), 32);
        assert!(seats.take(1000, Level::Admin).is_none());
    }

    #[test]
    fn a_crowd_of_users_leaves_room_for_administrators() {
        let seats = Seats::default();
        let crowds: Vec<Vec<Seat>> = (1000..1010)
            .map(|uid| crowd(&seats, uid, Level::Public, 8))
            .collect();
        assert_eq!(crowds.iter().map(Vec::len).sum::<usize>(), 28);
        assert!(seats.take(0, Level::Public).is_some());
        assert!(seats.take(2000, Level::Admin).is_some());
    }
}
