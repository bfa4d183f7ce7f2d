//! What must be the case for each request, in the document's words.

use iframe_messages::RequestKind;
use iframe_messages::server::{Facts, Prerequisites};

fn refusal(kind: RequestKind, paired: bool, committed: Option<bool>) -> Option<String> {
    Prerequisites::of(kind).check(Facts { paired, committed }).err().map(|refusal| refusal.to_string())
}

#[test]
fn every_request_in_every_state_of_the_device() {
    use RequestKind::{
        CreatePairing, GetMerkleProof, HashValue, RenewToken, RequestLink, UpdateProcess,
        ValidateMerkleProof, ValidateToken,
    };
    let free = [RequestLink, ValidateToken, RenewToken, HashValue, GetMerkleProof, ValidateMerkleProof];
    for kind in RequestKind::ALL {
        let (unpaired, paired) = (refusal(kind, false, Some(true)), refusal(kind, true, Some(true)));
        if free.contains(&kind) {
            assert_eq!((unpaired, paired), (None, None), "{kind:?}");
        } else if kind == CreatePairing {
            let text = "Failed to create pairing: the device is paired already";
            assert_eq!((unpaired, paired), (None, Some(text.to_owned())));
        } else {
            assert_eq!((unpaired, paired), (Some("Device not paired".to_owned()), None), "{kind:?}");
        }
        if kind != UpdateProcess {
            assert_eq!(refusal(kind, kind != CreatePairing, None), None, "{kind:?}");
        }
    }
    assert_eq!(refusal(UpdateProcess, true, None).unwrap(), "Process not found");
    let text = "Failed to update process: it has no committed state";
    assert_eq!(refusal(UpdateProcess, true, Some(false)).unwrap(), text);
    assert_eq!(refusal(UpdateProcess, false, None).unwrap(), "Device not paired");
}
