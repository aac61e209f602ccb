//! Which points go: they hold disk space, and code with known holes.

use jiff::{SignedDuration, Timestamp};

use crate::model::{KeptPoint, RunId};

/// The points that go, of all (oldest first), when so many are kept for so long.
/// The newest one that was not gone back with stays, whatever its age.
#[must_use]
pub fn rotate(
    points: &[KeptPoint],
    (keep, keep_for): (usize, SignedDuration),
    now: Timestamp,
) -> Vec<RunId> {
    let newest_unused = points.iter().rfind(|point| point.rolled_back.is_none());
    let newest_unused = newest_unused.map(|point| point.run);
    let surplus = points.len().saturating_sub(keep);
    let is_old = |point: &KeptPoint| now.duration_since(point.at) > keep_for;
    let goes = |(place, point): &(usize, &KeptPoint)| {
        let is_last = Some(point.run) == newest_unused;
        !is_last && (*place < surplus || is_old(point))
    };
    let going = points.iter().enumerate().filter(goes);
    going.map(|(_, point)| point.run).collect()
}

/// The point that goes first where room is wanting: the oldest, if all of them
/// together take as much as that. None is given up for nothing.
#[must_use]
pub fn make_room(points: &[KeptPoint], of: RunId, wanting_mib: u64) -> Option<RunId> {
    let others = || points.iter().filter(|point| point.run != of);
    let takes: u64 = others().map(|point| point.bytes >> 20).sum();
    let oldest = others().min_by_key(|point| point.at);
    oldest
        .filter(|_| takes >= wanting_mib)
        .map(|point| point.run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86400).expect("valid")
    }

    fn points(days: &[(i64, bool)]) -> Vec<KeptPoint> {
        let point = |(at, used): &(i64, bool)| KeptPoint {
            run: RunId::new(u64::try_from(*at).expect("positive"), 0),
            at: day(*at),
            packages: 1,
            bytes: 0,
            rolled_back: used.then(|| day(*at)),
        };
        days.iter().map(point).collect()
    }

    #[test]
    fn three_are_kept_for_two_weeks_and_the_newest_good_one_always() {
        for (kept, now, going) in [
            (vec![(1, false), (2, false), (3, false)], 4, vec![]),
            (
                vec![(1, false), (2, false), (3, false), (4, false)],
                5,
                vec![1],
            ),
            (vec![(1, false), (20, false)], 21, vec![1]),
            (vec![(1, false)], 100, vec![]),
            (vec![(1, false), (2, true), (3, true), (4, true)], 5, vec![]),
            (vec![(1, false), (2, true)], 100, vec![2]),
        ] {
            let points = points(&kept);
            let gone: Vec<i64> =
                rotate(&points, (3, SignedDuration::from_hours(14 * 24)), day(now))
                    .iter()
                    .map(|run| i64::try_from(run.unix_milliseconds()).expect("small"))
                    .collect();
            assert_eq!(gone, going, "{kept:?} at {now}");
        }
    }

    #[test]
    fn the_oldest_makes_room_if_all_together_make_enough() {
        let sized = |(point, mib): (KeptPoint, u64)| KeptPoint {
            bytes: mib << 20,
            ..point
        };
        let kept = points(&[(2, false), (1, false), (3, false)]);
        let kept: Vec<KeptPoint> = kept.into_iter().zip([5, 7, 100]).map(sized).collect();
        let (oldest, ours) = (RunId::new(1, 0), RunId::new(3, 0));
        for (wanting, gone) in [(1, Some(oldest)), (12, Some(oldest)), (13, None)] {
            assert_eq!(make_room(&kept, ours, wanting), gone, "{wanting}");
        }
        assert_eq!(make_room(&[], ours, 0), None);
    }
}
