/* Mixes numbers of a fixed sequence: deterministic, whatever surrounds it. */
#include <stdint.h>
#include <stdio.h>

int main(void)
{
    uint64_t state = 42, sum = 0;
    for (int i = 0; i < 1000000; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        sum ^= state >> 17;
    }
    FILE *out = fopen("out.txt", "w");
    fprintf(out, "%016llx\n", (unsigned long long)sum);
    return fclose(out);
}
