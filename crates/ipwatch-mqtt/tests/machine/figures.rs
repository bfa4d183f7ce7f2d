//! Figures against those of `/proc` and of `df`, read here.

use std::fs::read_to_string;

use ipwatch_mqtt::system::Sampler;

fn meminfo(field: &str) -> f64 {
    let text = read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn uptime() -> u64 {
    read_to_string("/proc/uptime").unwrap().split('.').next().unwrap().parse().unwrap()
}

/// Column `Use%` of `df`, rounded up as it is there.
fn df(path: &str) -> f64 {
    let output = std::process::Command::new("df").args(["-P", path]).env("LC_ALL", "C").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let percent = text.lines().nth(1).unwrap().split_whitespace().nth(4).unwrap();
    percent.trim_end_matches('%').parse().unwrap()
}

fn kernel(name: &str) -> String {
    read_to_string(format!("/proc/sys/kernel/{name}")).unwrap().trim().to_owned()
}

#[test]
fn figures_are_those_of_proc() {
    let mut sampler = Sampler::new("/");
    let before = uptime();
    let status = sampler.sample();
    let after = uptime();
    assert_eq!(status.hostname, Some(kernel("hostname")));
    assert_eq!(status.platform.as_deref(), Some("Linux"));
    assert_eq!(status.platform_version, Some(kernel("osrelease")));
    let seconds = status.uptime.unwrap();
    assert!((before..=after).contains(&seconds), "{before} {seconds} {after}");
    // Other programs live on the same memory and disk, so there is some room.
    let memory = 100.0 - meminfo("MemAvailable:") / meminfo("MemTotal:") * 100.0;
    let told = status.memory_percent.unwrap();
    assert!((told - memory).abs() < 8.0, "{told} is not {memory}");
    let (told, disk) = (status.disk_percent.unwrap(), df("/"));
    assert!((disk - 3.0..=disk + 2.0).contains(&told), "{told} is not {disk}");
    // Nothing told, nothing kept back: the sender knows these two.
    assert_eq!((status.ip, status.timestamp), (None, None));
}

#[test]
fn a_file_system_of_choice() {
    let told = |path: &str| Sampler::new(path).sample().disk_percent;
    let disk = df("/dev");
    let here = told("/dev").unwrap();
    assert!((disk - 3.0..=disk + 2.0).contains(&here), "{here} is not {disk}");
    // Those of no size, and what is not there, have no figure.
    assert_eq!(told("/proc"), None);
    assert_eq!(told("/nowhere/at/all"), None);
}

/// Work for longer than the shortest interval shows as work: at least one core's share, or the half of it on a machine that is busy besides.
#[test]
fn processor_time_is_that_since_the_last_figures() {
    let mut sampler = Sampler::new("/");
    let (busy_before, all_before) = jiffies();
    let begun = std::time::Instant::now();
    let mut sum = 0_u64;
    while begun.elapsed() < sysinfo::MINIMUM_CPU_UPDATE_INTERVAL * 2 {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
    }
    let told = sampler.sample().cpu_percent.unwrap();
    let (busy, all) = jiffies();
    let expected = (busy - busy_before) / (all - all_before) * 100.0;
    assert!((told - expected).abs() < 15.0, "{told} is not {expected}");
    assert!(told > 0.0);
    assert_eq!(sampler.sample().cpu_percent, None, "that was less than 200 ms ago");
}

/// Busy and all time of all cores, from the first line of `/proc/stat`.
fn jiffies() -> (f64, f64) {
    let text = read_to_string("/proc/stat").unwrap();
    let fields: Vec<f64> =
        text.lines().next().unwrap().split_whitespace().skip(1).map(|field| field.parse().unwrap()).collect();
    let all: f64 = fields.iter().take(8).sum();
    (all - fields[3] - fields[4], all)
}
