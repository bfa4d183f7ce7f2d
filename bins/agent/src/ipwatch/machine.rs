//! This machine, as the agent of IPWatch sees it.

use std::sync::{Arc, Mutex, PoisonError};

use ipwatch_mqtt::Status;
use ipwatch_mqtt::agent::PowerAction;
use ipwatch_mqtt::agent::driver::{Announcement, Machine};
use ipwatch_mqtt::power::{PowerPrograms, Recorder};
use ipwatch_mqtt::system::Sampler;

/// How it goes down.
#[derive(Clone, Debug)]
pub(super) enum Power {
    Programs(PowerPrograms),
    DryRun(Recorder),
}

#[derive(Debug)]
pub(super) struct ThisMachine {
    sampler: Arc<Mutex<Sampler>>,
    power: Power,
}

impl ThisMachine {
    pub(super) fn new(sampler: Sampler, power: Power) -> Self {
        Self { sampler: Arc::new(Mutex::new(sampler)), power }
    }
}

impl Machine for ThisMachine {
    async fn figures(&self) -> Status {
        let sampler = self.sampler.clone();
        let sampled = tokio::task::spawn_blocking(move || {
            sampler.lock().unwrap_or_else(PoisonError::into_inner).sample()
        });
        sampled.await.unwrap_or_default()
    }

    async fn power(&self, action: PowerAction) -> Result<(), String> {
        match &self.power {
            Power::Programs(programs) => programs.perform(action).await.map_err(|error| error.to_string()),
            Power::DryRun(recorder) => {
                let (recorder, now) = (recorder.clone(), jiff::Timestamp::now());
                let written = tokio::task::spawn_blocking(move || recorder.perform(action, now)).await;
                match written {
                    Ok(Ok(())) => Err("this is a dry run; it is written down".to_owned()),
                    Ok(Err(error)) => Err(format!("this is a dry run, and cannot be written down: {error}")),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    async fn announced(&self) -> Announcement {
        std::future::pending().await
    }

    async fn let_go(&self) {}
}
