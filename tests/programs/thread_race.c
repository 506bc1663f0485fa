/* Adds numbers of very different size from several OpenMP threads into one sum, as they come.
 *
 * Source: the order in which threads add, for a sum of floats depends on it. Plain repeats: divergent, on
 * two processors or more. Diagnosis: threads.
 */
#include <math.h>
#include <stdio.h>

int main(void)
{
    double sum = 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < 200000; i++) {
        double term = sin(i) * pow(10, i % 17);
#pragma omp atomic
        sum += term;
    }
    FILE *out = fopen("out.txt", "w");
    fprintf(out, "%.17g\n", sum);
    return fclose(out);
}
