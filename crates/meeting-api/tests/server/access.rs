//! R2: every route with every kind of caller, in both modes.

use meeting_api::endpoint::Method;
use meeting_api::server::store::Role;
use meeting_api::server::{Access, DeviceAuth, RULES, Settings};

use crate::support::{Bench, DEVICE, OTHER, key};

/// What the rules of a route have to say to a caller.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Pass,
    Show,
    No,
}
use Verdict::{No, Pass, Show};

/// The columns: nobody, a wrong secret, another device, the device, a proxy, an operator. Written out again, so that a
/// change of the rules has to be made twice.
fn expected(access: Access, auth: DeviceAuth, open: bool) -> [Verdict; 6] {
    match (access, auth) {
        (Access::Public, _) => [Pass, Show, Pass, Pass, Pass, Pass],
        (Access::Report, DeviceAuth::Compatible) => [Pass, Show, No, Pass, No, Pass],
        (Access::Report, DeviceAuth::Required) => [Show, Show, No, Pass, No, Pass],
        (Access::Read, DeviceAuth::Compatible) => [Pass, Show, No, Pass, Pass, Pass],
        (Access::Read, DeviceAuth::Required) => [Show, Show, No, Pass, Pass, Pass],
        (Access::Follow, _) if open => [Pass, Show, Pass, Pass, Pass, Pass],
        (Access::Follow, _) => [Show, Show, No, No, Pass, Pass],
        (Access::Operate, _) => [Show, Show, No, No, No, Pass],
    }
}

async fn matrix(auth: DeviceAuth, open: bool) -> usize {
    let mut settings = Settings::default();
    settings.device_auth = auth;
    settings.tunnels_open = open;
    settings.max_failures = u32::MAX;
    let bench = Bench::new(settings).await;
    bench.add_device(DEVICE).await;
    bench.add_device(OTHER).await;
    let device = bench.mint(Role::Device(key(DEVICE))).await;
    let other = bench.mint(Role::Device(key(OTHER))).await;
    let mut wrong = bench.operator.clone();
    let last = if wrong.ends_with('0') { "1" } else { "0" };
    wrong.replace_range(wrong.len() - 1.., last);
    let callers: [Option<&str>; 6] =
        [None, Some(&wrong), Some(&other), Some(&device), Some(&bench.proxy), Some(&bench.operator)];
    let mut cells = 0;
    // What removes the device or its secret comes last.
    let mut rules: Vec<_> = RULES.iter().collect();
    rules.sort_by_key(|rule| rule.route.method == Method::Delete);
    for rule in rules {
        for (caller, verdict) in callers.iter().zip(expected(rule.access, auth, open)) {
            let template = rule.route.template;
            // A device that the operator may remove without harm to the cells that follow.
            let removes = rule.route.method == Method::Delete || template.ends_with("/secret");
            let target = if removes && verdict == Pass { "spare" } else { DEVICE };
            let path = template.replace("{device_key}", target).replace("{id}", "00000000");
            let answer = bench.call(rule.route.method.as_str(), &path, "", *caller).await;
            let cell = format!(
                "{} {template} by {caller:?}: {} {}",
                rule.route.method.as_str(),
                answer.status,
                answer.text
            );
            match verdict {
                Show => {
                    assert_eq!(answer.status, 401, "{cell}");
                    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"meeting\"", "{cell}");
                }
                No => {
                    assert_eq!(answer.status, 403, "{cell}");
                    assert_eq!(answer.json()["error"], "Credential not sufficient", "{cell}");
                }
                Pass => {
                    let words = answer.text.contains("Credential");
                    assert!(answer.status != 401 && !words, "{cell}");
                    assert!(!answer.status.is_server_error(), "{cell}");
                }
            }
            cells += 1;
        }
    }
    cells
}

#[tokio::test]
async fn r2_every_route_by_every_caller_in_compatible_mode() {
    assert_eq!(matrix(DeviceAuth::Compatible, true).await, RULES.len() * 6);
}

#[tokio::test]
async fn r2_every_route_by_every_caller_in_required_mode() {
    assert_eq!(matrix(DeviceAuth::Required, false).await, RULES.len() * 6);
}

#[tokio::test]
async fn a_token_code_is_a_credential_only_where_the_operator_says_so() {
    for (accepted, verdicts) in [(false, [401, 401]), (true, [200, 401])] {
        let mut settings = Settings::default();
        settings.device_auth = DeviceAuth::Required;
        settings.accept_token_code = accepted;
        let bench = Bench::new(settings).await;
        bench.add_device(DEVICE).await;
        for (code, verdict) in ["a1b2c3", "a1b2c4"].into_iter().zip(verdicts) {
            let mut request = crate::support::request("POST", &format!("/api/devices/{DEVICE}/online"), "");
            request.headers_mut().insert("x-token-code", code.parse().expect("a header"));
            assert_eq!(bench.send(request).await.status, verdict, "{code} where accepted is {accepted}");
        }
    }
}

#[tokio::test]
async fn a_source_that_guesses_is_shut_out_and_its_neighbour_is_not() {
    let mut settings = Settings::default();
    settings.max_failures = 5;
    let bench = Bench::new(settings).await;
    bench.add_device(DEVICE).await;
    let operator = bench.operator.clone();
    assert_eq!(bench.operate("GET", "/api/devices", "").await.status, 200);
    let guess = format!("mop_{}_{}", &operator[4..12], "0".repeat(64));
    for _ in 0..5 {
        assert_eq!(bench.call("GET", "/api/devices", "", Some(&guess)).await.status, 401);
    }
    let shut_out = bench.call("GET", "/api/devices", "", Some(&guess)).await;
    assert_eq!((shut_out.status.as_u16(), shut_out.header("retry-after")), (429, "900"));
    // A right secret that this source never showed waits too: it might be a guess that hit.
    assert_eq!(bench.call("GET", "/api/tunnels", "", Some(&bench.proxy)).await.status, 429);
    // The one that was right before is let in all along, and so is whoever shows nothing.
    assert_eq!(bench.operate("GET", "/api/devices", "").await.status, 200);
    assert_eq!(bench.call("GET", "/api/tunnels", "", None).await.status, 200);
    let mut elsewhere = crate::support::request("GET", "/api/tunnels", "");
    let peer = "203.0.113.9:5000".parse().expect("an address");
    elsewhere.extensions_mut().insert(meeting_api::server::PeerAddress(peer));
    let bearer = format!("Bearer {}", bench.proxy).parse().expect("a header");
    elsewhere.headers_mut().insert("authorization", bearer);
    assert_eq!(bench.send(elsewhere).await.status, 200);
    bench.clock.advance(900);
    assert_eq!(bench.call("GET", "/api/tunnels", "", Some(&bench.proxy)).await.status, 200);
}
