//! Whether the runs of a call are shared among threads: whichever is faster, measured while they go on.
//!
//! What a step gains by a second thread depends on more than its schedule: on how far the processors are from each other (what one has
//! written costs the other ten to a hundred nanoseconds a line), on what else runs on them, on where the host put them. So a few runs are
//! timed with the team and a few alone, and the rest are done in the faster way, until the next look a second later. Which threads do a
//! task changes no bit.
use std::time::Duration;

/// Runs of a kind that are timed; the least counts, since the first ones find their data in other caches.
const PROBES: u32 = 4;
/// A run that takes longer than this is worth sharing without a look.
const LONG: Duration = Duration::from_millis(5);
/// From one look to the next, about.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the runs of one call.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    /// Runs until the next look; none while one goes on.
    left: u64,
    /// Runs timed of this look, and the fastest of those with the team and those alone.
    timed: u32,
    team: Duration,
    lonely: Duration,
    /// Whether the leader is to do all alone.
    alone: bool,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            // The first runs find nothing in any cache.
            left: 2,
            timed: 0,
            team: Duration::MAX,
            lonely: Duration::MAX,
            alone: false,
        }
    }
}

impl Pace {
    /// How the next run is to be done: whether alone, and whether it is to be timed.
    pub(super) fn next(&mut self) -> (bool, bool) {
        if self.left > 0 {
            self.left -= 1;
            return (self.alone, false);
        }
        (self.timed >= PROBES, true)
    }

    /// Takes note of a run that was timed.
    pub(super) fn note(&mut self, time: Duration) {
        let best = if self.timed < PROBES {
            &mut self.team
        } else {
            &mut self.lonely
        };
        *best = time.min(*best);
        self.timed += 1;
        if self.team > LONG && self.timed == PROBES {
            self.decide(false);
        } else if self.timed == 2 * PROBES {
            self.decide(self.lonely < self.team);
        }
    }

    fn decide(&mut self, alone: bool) {
        let time = self.team.min(self.lonely).as_nanos().max(1);
        *self = Pace {
            left: (PAUSE.as_nanos() / time).max(u128::from(20 * PROBES)) as u64,
            alone,
            ..Pace::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of each of so many runs, where one with the team and one alone take so long: `true` for alone.
    fn runs(count: usize, team: u64, lonely: u64) -> Vec<bool> {
        let mut pace = Pace::default();
        let run = |_| {
            let (alone, timed) = pace.next();
            if timed {
                pace.note(Duration::from_micros(if alone { lonely } else { team }));
            }
            alone
        };
        (0..count).map(run).collect()
    }

    #[test]
    fn the_faster_way_is_taken_after_a_look() {
        let alone = runs(1000, 200, 100);
        assert_eq!(
            alone[..10],
            [
                false, false, false, false, false, false, true, true, true, true
            ]
        );
        assert!(alone[10..].iter().all(|&alone| alone));
        let team = runs(1000, 100, 200);
        assert_eq!(team.iter().filter(|&&alone| alone).count(), 4);
    }

    #[test]
    fn it_is_looked_at_again() {
        let runs = runs(30_000, 200, 100);
        let teams = runs.iter().filter(|&&alone| !alone).count();
        assert_eq!(
            teams,
            2 + 4 * 3,
            "at the start, and after each second of 10,000 runs"
        );
    }

    #[test]
    fn long_runs_are_shared_without_a_look() {
        assert!(runs(1000, 6000, 1000).iter().all(|&alone| !alone));
    }
}
