// The machines: their state, and the switches.

import { run } from '../shell.js';
import { head, prepare } from './fleet.js';
import { list } from './views/list.js';
import { log } from './views/log.js';
import { machine } from './views/machine.js';
import { register } from './views/register.js';
import { schedules } from './views/schedules.js';
import { WORDS } from './words.js';

run({ section: 'machines', views: [list, schedules, log, register, machine], words: WORDS, prepare, head, key: 'machines.key' });
