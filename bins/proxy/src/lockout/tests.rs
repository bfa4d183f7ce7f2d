use std::net::IpAddr;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn v4(n: u32) -> Source {
    Source::from(IpAddr::from((0x0a00_0000 + n).to_be_bytes()))
}

/// A small generator, so that a run is repeatable and its seed can be named.
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn five_failures_lock_a_source_and_locks_double() {
    let start = Instant::now();
    let mut lockout = Lockout::new(Limits::default());
    let mut now = start;
    for expected in [15, 30, 60, 120, 240, 480, 960, 1440, 1440] {
        for _ in 0..4 {
            assert_eq!(lockout.attempt("d", v4(1), now, || false), Err(Denied::Wrong { locked: None }));
        }
        let lock = Duration::from_secs(expected * 60);
        assert_eq!(lockout.attempt("d", v4(1), now, || false), Err(Denied::Wrong { locked: Some(lock) }));
        let almost = lock - Duration::from_secs(1);
        assert_eq!(
            lockout.attempt("d", v4(1), now + almost, || unreachable!()),
            Err(Denied::Locked { scope: Scope::Source, retry_after: Duration::from_secs(1) })
        );
        now += lock;
    }
}

#[test]
fn failures_that_are_far_apart_do_not_lock() {
    let start = Instant::now();
    let mut lockout = Lockout::new(Limits::default());
    for n in 0..100_u32 {
        let now = start + Duration::from_secs(226) * n;
        assert_eq!(lockout.attempt("d", v4(1), now, || false), Err(Denied::Wrong { locked: None }), "{n}");
    }
}

#[test]
fn a_success_clears_the_failures_of_its_source_only() {
    let now = Instant::now();
    let mut lockout = Lockout::new(Limits::default());
    for _ in 0..4 {
        let _ = lockout.attempt("d", v4(1), now, || false);
        let _ = lockout.attempt("d", v4(2), now, || false);
    }
    assert_eq!(lockout.attempt("d", v4(1), now, || true), Ok(()));
    let later = now + MINUTE;
    assert_eq!(lockout.attempt("d", v4(1), later, || false), Err(Denied::Wrong { locked: None }));
    let lock = Some(Duration::from_secs(900));
    assert_eq!(lockout.attempt("d", v4(2), later, || false), Err(Denied::Wrong { locked: lock }));
}

#[test]
fn the_limit_over_all_sources_keeps_a_place_for_known_ones() {
    let now = Instant::now();
    let mut lockout = Lockout::new(Limits::default());
    lockout.remember("d", v4(7), now);
    for n in 100..109 {
        assert_eq!(lockout.attempt("d", v4(n), now, || false), Err(Denied::Wrong { locked: None }));
    }
    let later = now + Duration::from_secs(20);
    assert_eq!(
        lockout.attempt("d", v4(200), later, || unreachable!()),
        Err(Denied::Locked { scope: Scope::Device, retry_after: Duration::from_secs(40) })
    );
    assert_eq!(lockout.attempt("d", v4(7), later, || false), Err(Denied::Wrong { locked: None }));
    assert_eq!(
        lockout.attempt("d", v4(7), later, || unreachable!()),
        Err(Denied::Locked { scope: Scope::Device, retry_after: Duration::from_secs(40) })
    );
    // Another device is not concerned.
    assert_eq!(lockout.attempt("e", v4(200), later, || true), Ok(()));
    // Nor is this one a minute later.
    assert_eq!(lockout.attempt("d", v4(200), now + MINUTE, || true), Ok(()));
}

/// T3: 10⁶ guesses, spread over one simulated day, from 1, 50 and 20,000 sources and from known ones too.
#[test]
fn t3_a_million_guesses_are_admitted_at_most_14400_times_a_day() {
    for (sources, known, guesses) in [
        (20_000_u32, 0_u32, 1_000_000_u64),
        (20_000, 4, 200_000),
        (50, 0, 200_000),
        (4, 4, 200_000),
        (1, 0, 200_000),
    ] {
        let start = Instant::now();
        let mut lockout = Lockout::new(Limits::default());
        for n in 0..known {
            lockout.remember("d", v4(n), start);
        }
        let mut admitted: Vec<Duration> = Vec::new();
        let mut random = Xorshift(0x9e37_79b9_7f4a_7c15 + u64::from(sources));
        let gap = u64::try_from(DAY.as_nanos()).unwrap() / guesses;
        for guess in 0..guesses {
            let at = Duration::from_nanos(guess * gap);
            let source = v4(u32::try_from(random.next() % u64::from(sources)).unwrap());
            let _ = lockout.attempt("d", source, start + at, || {
                admitted.push(at);
                false
            });
        }
        assert!(admitted.len() <= 14_400, "{} admitted from {sources} sources", admitted.len());
        let first_minute = admitted.iter().filter(|at| **at < MINUTE).count();
        assert!(first_minute <= 10, "{first_minute} in the first minute");
        if sources == 1 {
            // One source: 5 before each lock, and seven locks fill a day.
            assert!(admitted.len() <= 40, "{} admitted from one source", admitted.len());
        }
        assert!(admitted.last().unwrap() < &DAY);
    }
}

/// T3: the device logs in from its usual address at a random moment of an attack by thousands of sources.
#[test]
fn t3_the_real_device_logs_in_during_an_attack_100_of_100() {
    let mut succeeded = 0;
    for seed in 1..=100_u64 {
        let mut random = Xorshift(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let start = Instant::now();
        let mut lockout = Lockout::new(Limits::default());
        assert_eq!(lockout.attempt("d", v4(7), start, || true), Ok(()));
        let login = random.next() % 10_000;
        for guess in 0..10_000_u64 {
            let now = start + Duration::from_millis(guess * 60);
            if guess == login && lockout.attempt("d", v4(7), now, || true) == Ok(()) {
                succeeded += 1;
            }
            let source = v4(1000 + u32::try_from(random.next() % 5_000).unwrap());
            let _ = lockout.attempt("d", source, now, || false);
        }
    }
    assert_eq!(succeeded, 100);
}

/// T3: a device at an address never seen before is not stopped by an attacker who has few sources.
#[test]
fn t3_a_new_address_gets_in_while_few_sources_attack() {
    let start = Instant::now();
    let mut lockout = Lockout::new(Limits::default());
    for second in 0..3600_u64 {
        let now = start + Duration::from_secs(second);
        for n in 0..8 {
            let _ = lockout.attempt("d", v4(n), now, || false);
        }
    }
    assert_eq!(lockout.attempt("d", v4(99), start + Duration::from_secs(3600), || true), Ok(()));
}

#[test]
fn memory_is_bounded_and_good_sources_outlive_bad_ones() {
    let start = Instant::now();
    let limits = Limits { devices: 64, sources: 512, ..Limits::default() };
    let mut lockout = Lockout::new(limits);
    for n in 0..16 {
        lockout.remember(&format!("good-{n}"), v4(1), start);
    }
    for n in 0..50_000_u32 {
        let now = start + Duration::from_millis(u64::from(n) * 10);
        let _ = lockout.attempt(&format!("device-{}", n % 1000), v4(n), now, || false);
        let (devices, sources) = lockout.entries();
        assert!(devices <= 64 && sources <= 512, "{devices} devices, {sources} sources after {n}");
    }
    let good = lockout.known().filter(|(device, sources)| device.starts_with("good") && *sources == [v4(1)]);
    assert_eq!(good.count(), 16);
}

#[test]
fn only_the_latest_good_sources_are_kept() {
    let now = Instant::now();
    let mut lockout = Lockout::new(Limits::default());
    for n in [1, 2, 3, 4, 1, 5] {
        lockout.remember("d", v4(n), now);
    }
    let known: Vec<_> = lockout.known().collect();
    assert_eq!(known, [("d", [v4(3), v4(4), v4(1), v4(5)].as_slice())]);
}
