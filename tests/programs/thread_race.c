/* Adds numbers of very different size from several OpenMP threads into common sums, as they come.
 *
 * Source: the order in which threads add, for a sum of floats depends on it. Plain repeats: divergent, on
 * two processors or more. Diagnosis: threads.
 */
#include <math.h>
#include <stdio.h>

int main(void)
{
    double sums[8] = {0};
#pragma omp parallel
    {
#pragma omp barrier /* so that none has done it all before another is there */
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < 300000; i++) {
            double term = sin(i) * pow(10, i % 17);
#pragma omp atomic
            sums[i % 8] += term;
        }
    }
    FILE *out = fopen("out.txt", "w");
    for (int i = 0; i < 8; i++) fprintf(out, "%.17g\n", sums[i]);
    return fclose(out);
}
