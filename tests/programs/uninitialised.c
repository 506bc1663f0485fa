/* Makes features from a buffer of which half was never written.
 *
 * Source: memory that is used uninitialised; what is left in it depends on addresses. Plain repeats:
 * divergent. Diagnosis: memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    /* What was freed before leaves pointers of the allocator behind. */
    void *blocks[8];
    for (int i = 0; i < 8; i++) memset(blocks[i] = malloc(64), i, 64);
    for (int i = 0; i < 8; i++) free(blocks[i]);
    unsigned char *features = malloc(64);
    memset(features + 32, 1, 32);
    FILE *out = fopen("out.txt", "w");
    for (int i = 0; i < 64; i++) fprintf(out, "%d\n", features[i]);
    return fclose(out);
}
