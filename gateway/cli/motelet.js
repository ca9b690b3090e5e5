#!/usr/bin/env node
// main.ts in a checkout, where node runs with --conditions=motelet-source, and dist/main.js in an installed package.
import "#main";
