use ts_rs::{Config, TS};

use crate::request::{
    CreateProcess, DecodePublicData, FileBlob, GetMerkleProof, HashValue, LinkRequest, NotifyUpdate,
    RenewToken, RetrieveData, UpdateProcess, ValidateMerkleProof, ValidateState,
};
use crate::{Call, reply, token};

const HEAD: &str = "\
// Made from the Rust types of iframe-messages: see src/schema.rs there. Not to be edited.

/** What a host page sends to the iframe. */
export type HostMessage = { messageId?: string } & (LinkRequest | (Call & { accessToken: string }));

/** What the iframe sends to its host page. */
export type IframeMessage = { messageId?: string } & Reply;
";

/// A declaration file with the messages of both directions, and the embedded wallet's types where that is a feature of the build.
#[must_use]
pub fn typescript() -> String {
    let mut file = HEAD.to_owned();
    requests(&mut file);
    replies(&mut file);
    #[cfg(feature = "wallet")]
    wallet(&mut file);
    file
}

fn requests(file: &mut String) {
    declare::<LinkRequest>(file);
    declare::<Call>(file);
    declare::<RenewToken>(file);
    declare::<RetrieveData>(file);
    declare::<DecodePublicData>(file);
    declare::<CreateProcess>(file);
    declare::<UpdateProcess>(file);
    declare::<NotifyUpdate>(file);
    declare::<ValidateState>(file);
    declare::<HashValue>(file);
    declare::<FileBlob>(file);
    declare::<GetMerkleProof>(file);
    declare::<ValidateMerkleProof>(file);
}

fn replies(file: &mut String) {
    declare::<reply::Reply>(file);
    declare::<token::TokenPair>(file);
    declare::<reply::TokenValidated>(file);
    declare::<reply::PairingCreated>(file);
    declare::<reply::UserPairing>(file);
    declare::<reply::MyProcesses>(file);
    declare::<reply::ProcessesRetrieved>(file);
    declare::<reply::DataRetrieved>(file);
    declare::<reply::PublicDataDecoded>(file);
    declare::<reply::ProcessCreated>(file);
    declare::<reply::CreatedProcess>(file);
    declare::<reply::ProcessUpdated>(file);
    declare::<reply::StateValidated>(file);
    declare::<reply::ValueHashed>(file);
    declare::<reply::MerkleProofRetrieved>(file);
    declare::<reply::MerkleProofValidated>(file);
    declare::<reply::ErrorReply>(file);
}

#[cfg(feature = "wallet")]
fn wallet(file: &mut String) {
    use crate::wallet::{MerkleProof, Process, ProcessState, RoleDefinition};
    declare::<Process>(file);
    declare::<ProcessState>(file);
    declare::<RoleDefinition>(file);
    declare::<MerkleProof>(file);
}

fn declare<T: TS>(file: &mut String) {
    // JavaScript has one kind of number, and none of ours exceeds what it counts in ones.
    let config = Config::new().with_large_int("number");
    file.push('\n');
    if let Some(docs) = T::docs() {
        file.push_str(&docs);
    }
    file.push_str("export ");
    for (place, line) in T::decl(&config).replace(", };", ",\n};").lines().enumerate() {
        let inner = place > 0 && line != "};";
        file.push_str(if inner { "  " } else { "" });
        file.push_str(line.trim_end());
        file.push('\n');
    }
}
