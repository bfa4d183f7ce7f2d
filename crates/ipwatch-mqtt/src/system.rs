//! The machine's own figures, as a status gives them.

use std::path::PathBuf;
use std::time::Instant;

use sysinfo::{MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, System};

use crate::Status;

/// Takes the figures of the machine it runs on.
///
/// A figure is absent where the machine does not tell: in a container without `/proc/stat`, say. Processor time is that since the
/// figures before, or since [`Sampler::new`], and absent when that was less than 200 ms ago.
///
/// Source: ipwatch §2.2.
/// Choice: IM-130.
#[derive(Debug)]
pub struct Sampler {
    system: Option<System>,
    disk: PathBuf,
    since: Instant,
}

impl Sampler {
    /// A sampler that looks at the file system of `disk`, `/` as a rule. Processor time counts from here.
    #[must_use]
    pub fn new(disk: impl Into<PathBuf>) -> Self {
        let mut system = System::new().ok();
        if let Some(system) = &mut system {
            system.refresh_cpu_usage();
        }
        Self { system, disk: disk.into(), since: Instant::now() }
    }

    /// The figures of now, without address and time, which their sender knows better.
    ///
    /// It reads a few files of `/proc` and asks one file system how full it is. A file system of the network that is away can hold the
    /// caller up, so async code calls this on a thread that may block.
    pub fn sample(&mut self) -> Status {
        let is_measured = self.since.elapsed() >= MINIMUM_CPU_UPDATE_INTERVAL;
        let mut status = Status {
            hostname: System::host_name().ok(),
            platform: Some(platform().to_owned()),
            platform_version: System::kernel_version().ok(),
            uptime: System::uptime().ok(),
            disk_percent: self.disk_percent(),
            ..Status::default()
        };
        let Some(system) = &mut self.system else { return status };
        system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let total = system.total_memory();
        status.memory_percent = percent(total.saturating_sub(system.available_memory()), total);
        if is_measured {
            system.refresh_cpu_usage();
            self.since = Instant::now();
            let usage = f64::from(system.global_cpu_usage());
            status.cpu_percent = (!system.cpus().is_empty()).then(|| (usage * 10.0).round() / 10.0);
        }
        status
    }

    /// As `df` counts: what an ordinary user could still write is free, what is kept for root is neither.
    #[cfg(unix)]
    fn disk_percent(&self) -> Option<f64> {
        let space = rustix::fs::statvfs(&self.disk).ok()?;
        let used = space.f_blocks.saturating_sub(space.f_bfree);
        percent(used, used.saturating_add(space.f_bavail))
    }

    #[cfg(not(unix))]
    fn disk_percent(&self) -> Option<f64> {
        let _ = &self.disk;
        None
    }
}

/// The operating system as the document spells it: `Linux`, `Windows`, `Darwin`.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "linux" => "Linux",
        "windows" => "Windows",
        "macos" => "Darwin",
        "freebsd" => "FreeBSD",
        other => other,
    }
}

/// With one decimal. `None` of nothing.
fn percent(part: u64, whole: u64) -> Option<f64> {
    let tenths = u128::from(part).checked_mul(1000)?.checked_div(u128::from(whole))?;
    u32::try_from(tenths).ok().map(|tenths| f64::from(tenths) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_whole() {
        let table = [
            (0, 8, Some(0.0)),
            (5, 8, Some(62.5)),
            (8, 8, Some(100.0)),
            (1, 3, Some(33.3)),
            (0, 0, None),
            (u64::MAX, u64::MAX, Some(100.0)),
        ];
        for (part, whole, expected) in table {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
    }
}
