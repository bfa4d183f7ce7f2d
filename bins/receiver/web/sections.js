// The sections of the console, in the order of its navigation. A new page adds its line here.

export const SECTIONS = [{ id: 'checkins', href: '/console/checkins/' }];
