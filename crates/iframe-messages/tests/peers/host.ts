// A host page that is right, and hosts that are wrong: under each line that expects an error there is one.
import type {
  Call, CreateProcess, FileBlob, HostMessage, IframeMessage, MerkleProof, Process, ProcessState, RoleDefinition, TokenPair,
} from '../../npm/types/messages';

const target = 'https://wallet.example.org';
const id = '00'.repeat(32);

export function right(wallet: Window, tokens: TokenPair, state: ProcessState, proof: MerkleProof): void {
  const post = (message: HostMessage): void => wallet.postMessage(message, target);
  const { accessToken, refreshToken } = tokens;
  const role: RoleDefinition = { members: ['me'], reads: ['iban'], validates: true };
  const fileBlob: FileBlob = { type: 'application/pdf', data: new Uint8Array([1, 2]) };
  post({ type: 'REQUEST_LINK' });
  post({ type: 'REQUEST_LINK', messageId: '1' });
  post({ type: 'VALIDATE_TOKEN', accessToken, refreshToken });
  post({ type: 'RENEW_TOKEN', refreshToken });
  for (const type of ['CREATE_PAIRING', 'GET_PAIRING_ID', 'GET_MY_PROCESSES', 'GET_PROCESSES'] as const) post({ type, accessToken });
  post({ type: 'RETRIEVE_DATA', processId: id, stateId: id, accessToken });
  post({ type: 'DECODE_PUBLIC_DATA', encodedData: [123, 125], accessToken });
  post({ type: 'CREATE_PROCESS', processData: { name: 'x', iban: 'y' }, privateFields: ['iban'], roles: { owner: role }, accessToken });
  post({ type: 'UPDATE_PROCESS', processId: id, newData: {}, privateFields: [], roles: null, accessToken });
  post({ type: 'UPDATE_PROCESS', processId: id, newData: {}, privateFields: [], accessToken });
  post({ type: 'NOTIFY_UPDATE', processId: id, stateId: id, accessToken, messageId: '2' });
  post({ type: 'VALIDATE_STATE', processId: id, stateId: id, accessToken });
  post({ type: 'HASH_VALUE', commitedIn: state.commitedIn, label: 'report', fileBlob, accessToken });
  post({ type: 'GET_MERKLE_PROOF', processState: state, attributeName: 'name', accessToken });
  post({ type: 'VALIDATE_MERKLE_PROOF', merkleProof: JSON.stringify(proof), documentHash: id, accessToken });
}

export function read(message: IframeMessage): string | null {
  switch (message.type) {
    case 'LISTENING': return null;
    case 'LINK_ACCEPTED': return message.accessToken;
    case 'VALIDATE_TOKEN': return message.isValid ? message.accessToken : null;
    case 'GET_MY_PROCESSES': return message.myProcesses === null ? null : message.myProcesses.join();
    case 'PROCESS_CREATED': return message.processCreated.processId;
    case 'ERROR': return message.error + (message.messageId ?? '');
    // @ts-expect-error a request is no answer
    case 'REQUEST_LINK': return null;
    // @ts-expect-error without a look at the type there is no error to read
    default: return message.error;
  }
}

export function states(process: Process): string[] {
  return process.states.map((state) => state.stateId);
}

const accessToken = 'a', refreshToken = 'r';
// @ts-expect-error no such message
export const a: HostMessage = { type: 'REQUEST_LINKS' };
// @ts-expect-error the type is written in capitals
export const b: HostMessage = { type: 'request_link' };
// @ts-expect-error a call without its token
export const c: HostMessage = { type: 'GET_PROCESSES' };
// @ts-expect-error a renewal shows the refresh token
export const d: HostMessage = { type: 'RENEW_TOKEN', accessToken };
// @ts-expect-error both tokens
export const e: HostMessage = { type: 'VALIDATE_TOKEN', refreshToken };
// @ts-expect-error a messageId is a text
export const f: HostMessage = { type: 'REQUEST_LINK', messageId: 7 };
// @ts-expect-error a messageId that is undefined is not one that is absent
export const g: HostMessage = { type: 'REQUEST_LINK', messageId: undefined };
// @ts-expect-error roles are not optional when a process is made
export const h: CreateProcess = { processData: {}, privateFields: [] };
// @ts-expect-error the private fields are a list
export const i: CreateProcess = { processData: {}, privateFields: 'iban', roles: {} };
// @ts-expect-error the wire's spelling is commitedIn
export const j: Call = { type: 'HASH_VALUE', committedIn: id, label: 'x', fileBlob: { type: 'text/plain', data: [] } };
// @ts-expect-error a document is bytes, not text
export const k: FileBlob = { type: 'text/plain', data: 'hello' };
// @ts-expect-error a proof travels as JSON text
export const l: Call = { type: 'VALIDATE_MERKLE_PROOF', merkleProof: {}, documentHash: id };
// @ts-expect-error an answer is no request
export const m: HostMessage = { type: 'LINK_ACCEPTED', accessToken, refreshToken };
// @ts-expect-error the state is missing
export const n: Call = { type: 'RETRIEVE_DATA', processId: id };
