// Made from the Rust types of iframe-messages: see src/schema.rs there. Not to be edited.

/** What a host page sends to the iframe. */
export type HostMessage = { messageId?: string } & (LinkRequest | (Call & { accessToken: string }));

/** What the iframe sends to its host page. */
export type IframeMessage = { messageId?: string } & Reply;

/**
 * The requests about the link itself.
 *
 * Source: iframe §2.2, §2.3, §2.4.
 */
export type LinkRequest = { "type": "REQUEST_LINK" } | { "type": "VALIDATE_TOKEN" } & TokenPair | { "type": "RENEW_TOKEN" } & RenewToken;

/**
 * What a linked host may ask for.
 *
 * Source: iframe §2.
 */
export type Call = { "type": "CREATE_PAIRING" } | { "type": "GET_PAIRING_ID" } | { "type": "GET_MY_PROCESSES" } | { "type": "GET_PROCESSES" } | { "type": "RETRIEVE_DATA" } & RetrieveData | { "type": "DECODE_PUBLIC_DATA" } & DecodePublicData | { "type": "CREATE_PROCESS" } & CreateProcess | { "type": "UPDATE_PROCESS" } & UpdateProcess | { "type": "NOTIFY_UPDATE" } & NotifyUpdate | { "type": "VALIDATE_STATE" } & ValidateState | { "type": "HASH_VALUE" } & HashValue | { "type": "GET_MERKLE_PROOF" } & GetMerkleProof | { "type": "VALIDATE_MERKLE_PROOF" } & ValidateMerkleProof;

/**
 * Payload of `RENEW_TOKEN`.
 *
 * Source: iframe §2.4.
 */
export type RenewToken = {
  /**
   * The token to exchange.
   */
  refreshToken: string,
};

/**
 * Payload of `RETRIEVE_DATA`.
 *
 * Source: iframe §2.9.
 */
export type RetrieveData = {
  /**
   * The process.
   */
  processId: string,
  /**
   * Its state.
   */
  stateId: string,
};

/**
 * Payload of `DECODE_PUBLIC_DATA`.
 *
 * Source: iframe §2.10.
 */
export type DecodePublicData = {
  /**
   * `number[]`; the other forms of bytes are read too.
   */
  encodedData: Uint8Array | Array<number>,
};

/**
 * Payload of `CREATE_PROCESS`.
 *
 * Source: iframe §2.11.
 */
export type CreateProcess = {
  /**
   * The attributes, to be split into public and private ones.
   */
  processData: Record<string, unknown>,
  /**
   * Which of them are private.
   */
  privateFields: Array<string>,
  /**
   * Name of a role → `RoleDefinition`. Choice: IF-7.
   */
  roles: Record<string, unknown>,
};

/**
 * Payload of `UPDATE_PROCESS`.
 *
 * Source: iframe §2.12.
 */
export type UpdateProcess = {
  /**
   * The process.
   */
  processId: string,
  /**
   * Attributes that change or are new.
   */
  newData: Record<string, unknown>,
  /**
   * Which of the new ones are private; those that exist stay what they are.
   */
  privateFields: Array<string>,
  /**
   * New roles; null, or absent, keeps those of the last state.
   */
  roles?: Record<string, unknown> | null,
};

/**
 * Payload of `NOTIFY_UPDATE`.
 *
 * Source: iframe §2.13.
 */
export type NotifyUpdate = {
  /**
   * The process.
   */
  processId: string,
  /**
   * The state of which the others are told.
   */
  stateId: string,
};

/**
 * Payload of `VALIDATE_STATE`.
 *
 * Source: iframe §2.14.
 */
export type ValidateState = {
  /**
   * The process.
   */
  processId: string,
  /**
   * The state to which the user agrees.
   */
  stateId: string,
};

/**
 * Payload of `HASH_VALUE`.
 *
 * Source: iframe §2.15.
 */
export type HashValue = {
  /**
   * The commitment; the document's spelling is the wire's.
   */
  commitedIn: string,
  /**
   * The attribute's name.
   */
  label: string,
  /**
   * The document.
   */
  fileBlob: FileBlob,
};

/**
 * A document with its kind.
 *
 * Source: iframe §2.15.
 */
export type FileBlob = {
  /**
   * Its media type.
   */
  type: string,
  /**
   * Its content.
   */
  data: Uint8Array | Array<number>,
};

/**
 * Payload of `GET_MERKLE_PROOF`.
 *
 * Source: iframe §2.16.
 */
export type GetMerkleProof = {
  /**
   * `ProcessState`. Choice: IF-7.
   */
  processState: Record<string, unknown>,
  /**
   * The attribute to prove.
   */
  attributeName: string,
};

/**
 * Payload of `VALIDATE_MERKLE_PROOF`.
 *
 * Source: iframe §2.17.
 */
export type ValidateMerkleProof = {
  /**
   * A `MerkleProofResult` as a JSON text.
   */
  merkleProof: string,
  /**
   * The hash of the document, from `HASH_VALUE`.
   */
  documentHash: string,
};

/**
 * A reply, or `LISTENING`; iframe to host.
 *
 * Source: iframe §2.
 */
export type Reply = { "type": "LISTENING" } | { "type": "LINK_ACCEPTED" } & TokenPair | { "type": "VALIDATE_TOKEN" } & TokenValidated | { "type": "RENEW_TOKEN" } & TokenPair | { "type": "PAIRING_CREATED" } & PairingCreated | { "type": "GET_PAIRING_ID" } & UserPairing | { "type": "GET_MY_PROCESSES" } & MyProcesses | { "type": "PROCESSES_RETRIEVED" } & ProcessesRetrieved | { "type": "DATA_RETRIEVED" } & DataRetrieved | { "type": "PUBLIC_DATA_DECODED" } & PublicDataDecoded | { "type": "PROCESS_CREATED" } & ProcessCreated | { "type": "PROCESS_UPDATED" } & ProcessUpdated | { "type": "UPDATE_NOTIFIED" } | { "type": "STATE_VALIDATED" } & StateValidated | { "type": "VALUE_HASHED" } & ValueHashed | { "type": "MERKLE_PROOF_RETRIEVED" } & MerkleProofRetrieved | { "type": "MERKLE_PROOF_VALIDATED" } & MerkleProofValidated | { "type": "ERROR" } & ErrorReply;

/**
 * Both tokens of a link.
 *
 * Source: iframe §2.2, §2.3, §2.4.
 */
export type TokenPair = {
  /**
   * For calls.
   */
  accessToken: string,
  /**
   * For renewal.
   */
  refreshToken: string,
};

/**
 * Payload of `VALIDATE_TOKEN` as a reply.
 *
 * Source: iframe §2.3.
 */
export type TokenValidated = {
  /**
   * Whether both are valid for this origin.
   */
  isValid: boolean,
  /**
   * The token of the request.
   */
  accessToken: string,
  /**
   * The token of the request.
   */
  refreshToken: string,
};

/**
 * Payload of `PAIRING_CREATED`.
 *
 * Source: iframe §2.5.
 */
export type PairingCreated = {
  /**
   * The new pairing.
   */
  pairingId: string,
};

/**
 * Payload of `GET_PAIRING_ID` as a reply.
 *
 * Source: iframe §2.6.
 */
export type UserPairing = {
  /**
   * The user's pairing.
   */
  userPairingId: string,
};

/**
 * Payload of `GET_MY_PROCESSES` as a reply.
 *
 * Source: iframe §2.7.
 */
export type MyProcesses = {
  /**
   * The processes; null where there are none yet. It must be there, be it null.
   */
  myProcesses: Array<string> | null,
};

/**
 * Payload of `PROCESSES_RETRIEVED`.
 *
 * Source: iframe §2.8.
 */
export type ProcessesRetrieved = {
  /**
   * Id of a process → `Process`. Choice: IF-7.
   */
  processes: Record<string, unknown>,
};

/**
 * Payload of `DATA_RETRIEVED`.
 *
 * Source: iframe §2.9.
 */
export type DataRetrieved = {
  /**
   * Attribute → value.
   */
  data: Record<string, unknown>,
};

/**
 * Payload of `PUBLIC_DATA_DECODED`.
 *
 * Source: iframe §2.10.
 */
export type PublicDataDecoded = {
  /**
   * What the bytes held.
   */
  decodedData: unknown,
};

/**
 * Payload of `PROCESS_CREATED`.
 *
 * Source: iframe §2.11.
 */
export type ProcessCreated = {
  /**
   * The process that was created.
   */
  processCreated: CreatedProcess,
};

/**
 * A process as its creation returns it.
 *
 * Source: iframe §2.11.
 */
export type CreatedProcess = {
  /**
   * Its id.
   */
  processId: string,
  /**
   * `Process`. Choice: IF-7.
   */
  process: Record<string, unknown>,
  /**
   * The attributes as they were given.
   */
  processData: Record<string, unknown>,
};

/**
 * Payload of `PROCESS_UPDATED`.
 *
 * Source: iframe §2.12.
 */
export type ProcessUpdated = {
  /**
   * `Process` with the new state. Choice: IF-7.
   */
  updatedProcess: Record<string, unknown>,
};

/**
 * Payload of `STATE_VALIDATED`.
 *
 * Source: iframe §2.14.
 */
export type StateValidated = {
  /**
   * `Process` with the user's agreement. Choice: IF-7.
   */
  validatedProcess: Record<string, unknown>,
};

/**
 * Payload of `VALUE_HASHED`.
 *
 * Source: iframe §2.15.
 */
export type ValueHashed = {
  /**
   * The hash.
   */
  hash: string,
};

/**
 * Payload of `MERKLE_PROOF_RETRIEVED`.
 *
 * Source: iframe §2.16.
 */
export type MerkleProofRetrieved = {
  /**
   * `MerkleProofResult`. Choice: IF-7.
   */
  proof: Record<string, unknown>,
};

/**
 * Payload of `MERKLE_PROOF_VALIDATED`.
 *
 * Source: iframe §2.17.
 */
export type MerkleProofValidated = {
  /**
   * Whether the proof holds.
   */
  isValid: boolean,
};

/**
 * Payload of `ERROR`.
 *
 * Source: iframe §3.
 */
export type ErrorReply = {
  /**
   * Why.
   */
  error: string,
};

/**
 * `Process`: its states, the committed ones first and in their order, then those that wait for agreement.
 *
 * Source: iframe §2.8. Choice: IF-62.
 */
export type Process = {
  /**
   * The states.
   */
  states: Array<ProcessState>,
};

/**
 * `ProcessState`: attributes and what governs them. The private attributes themselves are not in it.
 *
 * Source: iframe §2.16. Choice: IF-62.
 */
export type ProcessState = {
  /**
   * The root of the state's Merkle tree.
   */
  stateId: string,
  /**
   * The committed state from which it began; null for the first.
   */
  previousStateId: string | null,
  /**
   * The commitment: random, so that equal values in two states have different hashes. The document's spelling.
   */
  commitedIn: string,
  /**
   * The public attributes.
   */
  publicData: Record<string, unknown>,
  /**
   * The names of the private ones.
   */
  privateFields: Array<string>,
  /**
   * The hash of each attribute, public or private.
   */
  commitments: { [key in string]: string },
  /**
   * Who may do what.
   */
  roles: { [key in string]: RoleDefinition },
  /**
   * Who has agreed.
   */
  validations: Array<string>,
  /**
   * Whether that is enough.
   */
  isCommitted: boolean,
};

/**
 * `RoleDefinition`: a group of people and what they may do. Whoever is in any role may make a new state.
 *
 * Source: iframe §2.11. Choice: IF-62.
 */
export type RoleDefinition = {
  /**
   * Who is in it, by pairing.
   */
  members: Array<string>,
  /**
   * The private attributes that they may read.
   */
  reads?: Array<string>,
  /**
   * Whether their agreement is needed for a state to be committed.
   */
  validates?: boolean,
  /**
   * Of how many of them: 1 unless told otherwise.
   */
  quorum?: number,
};

/**
 * `MerkleProofResult`: that an attribute belongs to a state.
 *
 * Source: iframe §2.16. Choice: IF-61.
 */
export type MerkleProof = {
  /**
   * The state: the root of its tree.
   */
  root: string,
  /**
   * The attribute.
   */
  attributeName: string,
  /**
   * The commitment that the attribute's hash is for.
   */
  commitedIn: string,
  /**
   * Which leaf it is.
   */
  index: number,
  /**
   * How many there are.
   */
  leafCount: number,
  /**
   * The hashes beside the way to the root, from the leaf on.
   */
  siblings: Array<string>,
};
