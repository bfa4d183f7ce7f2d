//! Services of a device: which are switched on, and public ports for them.

use crate::endpoint::Success;
use crate::endpoint::service_request::{ServiceGrant, ServiceList, ServiceRequest};
use crate::server::call::{Call, bad_request, device_not_found, unavailable};
use crate::server::reply::Reply;
use crate::server::store::{DeviceRecord, Reservation, Reserved, Store};
use crate::{DecodeError, Refusal, ServiceName};

pub(super) async fn list<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    Ok(Reply::json(ServiceList { services: record.services.into_iter().collect() }.encode()))
}

/// Reserves a public port, or renews the reservation. Choice: MA-57.
pub(super) async fn request<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = ServiceRequest::decode(call.body).map_err(|error| match error {
        DecodeError::Missing { field: "service" } => {
            Refusal::new(400, Refusal::MISSING_SERVICE).with_field("service")
        }
        DecodeError::Missing { field: "port" } => {
            Refusal::new(400, Refusal::MISSING_RELAY_PORT).with_field("port")
        }
        other => bad_request(other),
    })?;
    let local_port = local_port(call, &request)?;
    let permanent = match call.query_value("permanent") {
        Some("1" | "true") => call.is_operator(),
        None | Some("0" | "false" | "") => false,
        Some(_) => return Err(bad_request(DecodeError::Invalid { field: "permanent" })),
    };
    let record = call.device_record().await?;
    may_have(call, &record, &request.service)?;
    let reservation = Reservation {
        device_key: record.device_key,
        service: request.service,
        local_port,
        ports: call.settings.ports.clone(),
        expires_at: (!permanent).then(|| call.after(call.settings.reservation)),
        at: call.now,
    };
    let service = reservation.service.clone();
    match call.store().reserve(reservation).await.map_err(unavailable)? {
        Reserved::UnknownDevice => Err(device_not_found()),
        Reserved::Exhausted => Err(Refusal::new(503, Refusal::NO_PORT_AVAILABLE)
            .with_retry_after(std::time::Duration::from_secs(300))),
        Reserved::Port { port, expires_at, .. } => {
            let url = url(&service, &call.settings.tunnel_host, port);
            Ok(Reply::json(ServiceGrant { port, url, expires_at }.encode()))
        }
    }
}

/// The device's own port: the one named for a relay, an operator's `?local_port=`, else the usual one of the service.
fn local_port<S: Store>(call: &Call<'_, S>, request: &ServiceRequest) -> Result<u16, Refusal> {
    let usual = request
        .port
        .or_else(|| request.service.default_local_port())
        .ok_or_else(|| bad_request(DecodeError::Invalid { field: "service" }))?;
    let Some(text) = call.query_value("local_port") else { return Ok(usual) };
    let port = text.parse().ok().filter(|port| *port != 0);
    let port = port.ok_or_else(|| bad_request(DecodeError::Invalid { field: "local_port" }))?;
    Ok(if call.is_operator() { port } else { usual })
}

/// The gates in front of a public port. Source: meeting §1.2, §1.3, §1.4. Choices: MA-54, MA-56, MA-58.
fn may_have<S: Store>(
    call: &Call<'_, S>,
    record: &DeviceRecord,
    service: &ServiceName,
) -> Result<(), Refusal> {
    let refusal = if !record.authorized {
        Refusal::DEVICE_NOT_AUTHORIZED
    } else if record.token_count == 0 {
        Refusal::DEVICE_MISSING_TOKEN
    } else if !record.services.is_empty() && !record.services.contains(service) {
        "Service not enabled"
    } else if !call.is_online(record.last_seen) {
        Refusal::DEVICE_OFFLINE
    } else {
        return Ok(());
    };
    Err(Refusal::new(403, refusal))
}

fn url(service: &ServiceName, host: &str, port: u16) -> String {
    // An IPv6 address stands in brackets wherever a port follows it.
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    match service.as_str() {
        "ssh" => format!("ssh -p {port} device@{host}"),
        "scp" => format!("scp -P {port} device@{bracketed}:"),
        "http" => format!("http://{bracketed}:{port}/"),
        "vnc" => format!("vnc://{bracketed}:{port}"),
        _ => format!("tcp://{bracketed}:{port}"),
    }
}

/// Choice: MA-64.
pub(super) async fn release<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let Some(text) = call.query_value("service").filter(|text| !text.is_empty()) else {
        return Err(Refusal::new(400, Refusal::MISSING_SERVICE).with_field("service"));
    };
    let service: ServiceName =
        text.parse().map_err(|_| bad_request(DecodeError::Invalid { field: "service" }))?;
    let device = call.device_key()?;
    if call.store().release(device, &service, call.now).await.map_err(unavailable)? {
        return Ok(Reply::json(Success::done().encode()));
    }
    call.device_record().await?;
    Err(Refusal::new(404, "No port reserved"))
}
