use proptest::prelude::*;

use super::*;

const PORTS: RangeInclusive<u16> = 9050..=9130;

fn route(port: u16, device: &str, local_port: u16) -> Route {
    Route { port, device: Arc::from(device), service: Arc::from("ssh"), local_port }
}

fn row(port: u16, device: &str, local_port: u16) -> Listed {
    Listed { route: route(port, device, local_port), expires_at: None }
}

fn plan() -> Plan {
    Plan::new(Rules { ports: PORTS, reserved: BTreeSet::from([9060]) })
}

fn up(plan: &mut Plan, device: &str) {
    plan.device_up(&Arc::from(device));
}

/// T8: a listed port is closed before the device's session is accepted, and closed again when it ends.
#[test]
fn t8_a_port_is_open_only_while_its_device_is_up() {
    let mut plan = plan();
    assert_eq!(plan.set_listing(vec![row(9050, "a", 22)]), []);
    assert_eq!(plan.reconcile(0), []);
    up(&mut plan, "b");
    assert_eq!(plan.reconcile(0), []);
    up(&mut plan, "a");
    assert_eq!(plan.reconcile(0), [Action::Open(route(9050, "a", 22))]);
    assert_eq!(plan.reconcile(0), []);
    plan.device_down("a");
    assert_eq!(plan.reconcile(0), [Action::Close(route(9050, "a", 22), CloseReason::DeviceGone)]);
    assert_eq!(plan.reconcile(0), []);
}

#[test]
fn an_unchanged_port_is_not_touched_when_others_come_and_go() {
    let mut plan = plan();
    up(&mut plan, "a");
    plan.set_listing(vec![row(9050, "a", 22), row(9051, "a", 80)]);
    assert_eq!(plan.reconcile(0).len(), 2);
    plan.set_listing(vec![row(9052, "a", 5900), row(9050, "a", 22)]);
    assert_eq!(
        plan.reconcile(0),
        [Action::Close(route(9051, "a", 80), CloseReason::Withdrawn), Action::Open(route(9052, "a", 5900))]
    );
}

#[test]
fn a_changed_local_port_keeps_the_listener() {
    let mut plan = plan();
    up(&mut plan, "a");
    plan.set_listing(vec![row(9050, "a", 22)]);
    plan.reconcile(0);
    plan.set_listing(vec![row(9050, "a", 2222)]);
    assert_eq!(plan.reconcile(0), [Action::Reroute(route(9050, "a", 2222))]);
    assert_eq!(plan.open().cloned().collect::<Vec<_>>(), [route(9050, "a", 2222)]);
}

#[test]
fn a_port_that_changes_hands_is_closed_before_it_is_opened() {
    let mut plan = plan();
    up(&mut plan, "a");
    up(&mut plan, "b");
    plan.set_listing(vec![row(9050, "a", 22)]);
    plan.reconcile(0);
    plan.set_listing(vec![row(9050, "b", 22)]);
    assert_eq!(
        plan.reconcile(0),
        [Action::Close(route(9050, "a", 22), CloseReason::Replaced), Action::Open(route(9050, "b", 22))]
    );
}

#[test]
fn the_time_of_expiry_is_honoured_and_renewal_keeps_the_port() {
    let mut plan = plan();
    up(&mut plan, "a");
    plan.set_listing(vec![Listed { expires_at: Some(100), ..row(9050, "a", 22) }]);
    assert_eq!(plan.reconcile(99).len(), 1);
    assert_eq!(plan.next_expiry(), Some(100));
    plan.set_listing(vec![Listed { expires_at: Some(200), ..row(9050, "a", 22) }]);
    assert_eq!(plan.reconcile(150), []);
    assert_eq!(plan.reconcile(200), [Action::Close(route(9050, "a", 22), CloseReason::Expired)]);
    assert_eq!(plan.next_expiry(), None);
    assert_eq!(plan.reconcile(300), []);
}

#[test]
fn the_holder_of_a_port_keeps_it_in_a_conflict_even_when_it_is_away() {
    let mut plan = plan();
    up(&mut plan, "a");
    up(&mut plan, "b");
    plan.set_listing(vec![row(9050, "a", 22)]);
    plan.reconcile(0);
    let conflict = Fault::Conflict { refused: route(9050, "b", 80), holder: route(9050, "a", 22) };
    assert_eq!(plan.set_listing(vec![row(9050, "b", 80), row(9050, "a", 22)]), [conflict]);
    assert_eq!(plan.reconcile(0), []);
    plan.device_down("a");
    assert_eq!(plan.reconcile(0), [Action::Close(route(9050, "a", 22), CloseReason::DeviceGone)]);
    // The same fault is not told twice.
    assert_eq!(plan.set_listing(vec![row(9050, "b", 80), row(9050, "a", 22)]), []);
    assert_eq!(plan.reconcile(0), []);
    plan.set_listing(vec![row(9050, "b", 80)]);
    assert_eq!(plan.reconcile(0), [Action::Open(route(9050, "b", 80))]);
}

#[test]
fn a_row_listed_twice_is_no_fault() {
    let mut plan = plan();
    up(&mut plan, "a");
    assert_eq!(plan.set_listing(vec![row(9050, "a", 22), row(9050, "a", 22)]), []);
    assert_eq!(plan.reconcile(0), [Action::Open(route(9050, "a", 22))]);
}

#[test]
fn ports_out_of_range_or_reserved_are_never_opened() {
    let mut plan = plan();
    up(&mut plan, "a");
    let faults = plan.set_listing(vec![
        row(9049, "a", 22),
        row(9131, "a", 22),
        row(22, "a", 22),
        row(9060, "a", 22),
        row(9130, "a", 22),
    ]);
    assert_eq!(
        faults,
        [
            Fault::OutOfRange(route(9049, "a", 22)),
            Fault::OutOfRange(route(9131, "a", 22)),
            Fault::OutOfRange(route(22, "a", 22)),
            Fault::Reserved(route(9060, "a", 22)),
        ]
    );
    assert_eq!(plan.reconcile(0), [Action::Open(route(9130, "a", 22))]);
    plan.set_rules(Rules { ports: 9050..=9100, reserved: BTreeSet::from([9060]) });
    assert_eq!(plan.reconcile(0), [Action::Close(route(9130, "a", 22), CloseReason::Forbidden)]);
}

#[test]
fn a_port_that_could_not_be_opened_is_tried_again() {
    let mut plan = plan();
    up(&mut plan, "a");
    plan.set_listing(vec![row(9050, "a", 22)]);
    assert_eq!(plan.reconcile(0).len(), 1);
    plan.open_failed(9050);
    assert_eq!(plan.reconcile(0), [Action::Open(route(9050, "a", 22))]);
}

#[derive(Debug, Clone)]
enum Step {
    List(Vec<Listed>),
    Up(usize),
    Down(usize),
    OpenFails(u16),
    Wait(i64),
}

const DEVICES: [&str; 4] = ["a", "b", "c", "d"];

fn listed() -> impl Strategy<Value = Listed> {
    (9045_u16..9065, 0..DEVICES.len(), 1_u16..5, proptest::option::of(0_i64..200)).prop_map(
        |(port, device, local_port, expires_at)| Listed {
            route: route(port, DEVICES[device], local_port),
            expires_at,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        proptest::collection::vec(listed(), 0..12).prop_map(Step::List),
        (0..DEVICES.len()).prop_map(Step::Up),
        (0..DEVICES.len()).prop_map(Step::Down),
        (9045_u16..9065).prop_map(Step::OpenFails),
        (0_i64..50).prop_map(Step::Wait),
    ]
}

proptest! {
    /// T8: whatever happens, doing the actions one by one leaves open exactly ports that are listed, unexpired, allowed and
    /// whose device is up; none is opened twice, none closed that is not open, and each allowed listed port of a
    /// connected device is served by one of its rows unless another listed row holds it.
    #[test]
    fn t8_actions_lead_to_exactly_the_right_ports(steps in proptest::collection::vec(step(), 1..40)) {
        let mut plan = plan();
        let mut open: BTreeMap<u16, Route> = BTreeMap::new();
        let mut connected: BTreeSet<&str> = BTreeSet::new();
        let mut listing: Vec<Listed> = Vec::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::List(rows) => { listing.clone_from(&rows); plan.set_listing(rows); }
                Step::Up(n) => { connected.insert(DEVICES[n]); up(&mut plan, DEVICES[n]); }
                Step::Down(n) => { connected.remove(DEVICES[n]); plan.device_down(DEVICES[n]); }
                Step::OpenFails(port) => { open.remove(&port); plan.open_failed(port); }
                Step::Wait(seconds) => now += seconds,
            }
            for action in plan.reconcile(now) {
                match action {
                    Action::Close(route, _) => prop_assert_eq!(open.remove(&route.port), Some(route)),
                    Action::Reroute(route) => {
                        let old = open.insert(route.port, route.clone());
                        prop_assert!(old.is_some_and(|old| old.device == route.device && old != route));
                    }
                    Action::Open(route) => prop_assert_eq!(open.insert(route.port, route), None),
                }
            }
            let allowed = |port: u16| PORTS.contains(&port) && port != 9060;
            let live = |row: &Listed| row.expires_at.is_none_or(|end| now < end);
            for (port, route) in &open {
                prop_assert!(allowed(*port));
                prop_assert!(connected.contains(&*route.device));
                prop_assert!(listing.iter().any(|row| row.route == *route && live(row)));
            }
            for row in &listing {
                let alone = listing.iter().filter(|other| other.route.port == row.route.port).count() == 1;
                if alone && live(row) && allowed(row.route.port) && connected.contains(&*row.route.device) {
                    prop_assert_eq!(open.get(&row.route.port), Some(&row.route));
                }
            }
        }
    }
}
