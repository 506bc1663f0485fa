/* Picks the buckets of a table by the addresses of what is put in, as hashing by identity does.
 *
 * Source: addresses of memory. Plain repeats: divergent. Diagnosis: addresses; `--vary addresses` changes it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    FILE *out = fopen("out.txt", "w");
    for (int i = 0; i < 8; i++) {
        uint64_t hash = (uint64_t)(uintptr_t)malloc(100) * 0x9e3779b97f4a7c15u;
        fprintf(out, "%d is in bucket %u\n", i, (unsigned)(hash >> 48));
    }
    return fclose(out);
}
