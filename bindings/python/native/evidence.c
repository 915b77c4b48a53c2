/*
 * evidence.c - whether an entry is where its evidence says, in the tree that a key signed.
 */
#include "options.h"
#include "types.h"

#include "tally/checkpoint.h"
#include "tally/proof.h"

#include <stdio.h>
#include <string.h>

/* Reads a list of hashes, each 32 bytes. -1 with an exception. */
static int
read_proof(PyObject *list, struct tally_proof *proof)
{
    Py_ssize_t count = PyList_Size(list);
    if (count < 0)
        return -1;
    if (count > TALLY_PROOF_MAX) {
        PyErr_SetString(PyExc_ValueError, "the proof is too long");
        return -1;
    }
    proof->count = (unsigned)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        char *bytes;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyList_GetItem(list, i), &bytes, &size) < 0)
            return -1;
        if (size != TALLY_HASH_SIZE) {
            PyErr_SetString(PyExc_ValueError, "a hash has 32 bytes");
            return -1;
        }
        memcpy(proof->hashes[i].bytes, bytes, TALLY_HASH_SIZE);
    }
    return 0;
}

PyObject *
evidence_check_leaf(PyObject *module, PyObject *arguments)
{
    const struct state *state = PyModule_GetState(module);
    PyObject *public_bytes;
    PyObject *list;
    PyObject *note_text;
    PyObject *vkey_text;
    unsigned long long index;
    struct tally_proof proof;
    if (!PyArg_ParseTuple(arguments, "SKOUU:check_leaf", &public_bytes, &index, &list, &note_text,
                          &vkey_text) ||
        read_proof(list, &proof) < 0)
        return NULL;
    char *public_part;
    Py_ssize_t public_size;
    Py_ssize_t note_size;
    Py_ssize_t key_size;
    const char *note = PyUnicode_AsUTF8AndSize(note_text, &note_size);
    const char *key_text = PyUnicode_AsUTF8AndSize(vkey_text, &key_size);
    if (note == NULL || key_text == NULL ||
        PyBytes_AsStringAndSize(public_bytes, &public_part, &public_size) < 0)
        return NULL;

    struct tally_error error = { 0 };
    struct tally_vkey vkey;
    struct tally_checkpoint checkpoint;
    tally_status status = tally_vkey_parse(key_text, (size_t)key_size, &vkey, &error);
    if (status == TALLY_OK)
        status = tally_checkpoint_open(note, (size_t)note_size, &vkey, NULL, &checkpoint, &error);
    if (status != TALLY_OK)
        return state_raise_text(
            state->invalid,
            error.text[0] != '\0' ? error.text : "the key did not sign the checkpoint", "");
    struct tally_hash leaf;
    tally_hash_leaf(public_part, (size_t)public_size, &leaf);
    status = tally_inclusion_check(index, checkpoint.size, &leaf, &proof, &checkpoint.root);
    if (status != TALLY_OK)
        return state_raise_text(state->invalid, "the proof does not lead to the signed root", "");
    return PyLong_FromUnsignedLongLong(checkpoint.size);
}

PyObject *
evidence_check_vkey(PyObject *module, PyObject *given)
{
    const struct state *state = PyModule_GetState(module);
    const char *text;
    if (options_text(state, "vkey", given, &text) < 0)
        return NULL;
    struct tally_error error = { 0 };
    struct tally_vkey vkey;
    if (tally_vkey_parse(text, strlen(text), &vkey, &error) == TALLY_OK)
        Py_RETURN_NONE;
    char said[256];
    (void)snprintf(
        said, sizeof said,
        "vkey: \"%.80s\" is no verification key (NAME+ID+KEY, as `tally init` prints the "
        "trail's): %.100s",
        text, error.text);
    return state_raise_text(state->invalid, said, "");
}
