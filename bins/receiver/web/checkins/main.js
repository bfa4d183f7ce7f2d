// The check-ins of weekly nets.

import { run } from '../shell.js';
import { head, prepare } from './nets.js';
import { board } from './views/board.js';
import { bots } from './views/bots.js';
import { heard } from './views/heard.js';
import { leaders } from './views/leaders.js';
import { missing } from './views/missing.js';
import { person } from './views/person.js';
import { weeks } from './views/weeks.js';
import { WORDS } from './words.js';

run({ section: 'checkins', views: [heard, board, weeks, leaders, missing, bots, person], words: WORDS, prepare, head });
