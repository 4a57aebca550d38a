// Runs the programs of this folder in Node.js, and says what a host can rely on: `ci/wasm.sh` calls it with their folder, and
// with that of the same programs for WASI, if there is one.
"use strict";
const { equal, throws } = require("node:assert/strict");
const { readFileSync } = require("node:fs");

const [folder, wasiFolder] = process.argv.slice(2);
const compiled = (name) => new WebAssembly.Module(readFileSync(`${folder}/${name}.wasm`));
// No import is given: the programs need nothing from outside.
const instance = (module) => new WebAssembly.Instance(module, {}).exports;

function the_program_passes() {
    // A panic is a trap, which is an exception here.
    equal(instance(compiled("wasm")).main(), 0);
}

const library = compiled("exports");

function variables_are_listed_once_the_constructors_ran() {
    const exports = instance(library);
    equal(exports.listed(), 0);
    exports.__wasm_call_ctors();
    equal(exports.listed(), 2);
}

function a_scope_ends_before_the_next_call() {
    const exports = instance(library);
    equal(exports.count_within_a_scope(), 7);
    equal(exports.count(), 1);
}

function a_panic_leaves_the_value_of_a_scope_to_the_next_call_and_a_new_instance_is_without() {
    const exports = instance(library);
    throws(() => exports.panic_within_a_scope(), WebAssembly.RuntimeError);
    equal(exports.count(), 7);
    equal(instance(library).count(), 1);
}

function a_panic_leaves_what_was_being_read_in_its_place() {
    const exports = instance(library);
    throws(() => exports.panic_within_a_reader(), WebAssembly.RuntimeError);
    equal(exports.replace_what_is_read(), 35);
    equal(exports.replace_what_is_read(), 55);
}

async function the_program_passes_with_WASI() {
    const { WASI } = require("node:wasi");
    const wasi = new WASI({ version: "preview1" });
    const module = new WebAssembly.Module(readFileSync(`${wasiFolder}/wasm.wasm`));
    equal(wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject())), 0);
}

async function main() {
    const promises = [
        the_program_passes,
        variables_are_listed_once_the_constructors_ran,
        a_scope_ends_before_the_next_call,
        a_panic_leaves_the_value_of_a_scope_to_the_next_call_and_a_new_instance_is_without,
        a_panic_leaves_what_was_being_read_in_its_place,
        ...(wasiFolder ? [the_program_passes_with_WASI] : []),
    ];
    for (const promise of promises) {
        await promise();
        console.log(`${promise.name} ... ok`);
    }
}

main();
