/* Adds floats in as many parts as there are threads, then the parts in order.
 *
 * Source: the number of threads decides how the sum is rounded. Plain repeats: identical. `--vary threads`
 * and `--vary cpus` change it.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>

int main(void)
{
    double part[1024] = {0}, sum = 0;
    int count = omp_get_max_threads();
#pragma omp parallel for schedule(static, 1) num_threads(count)
    for (int t = 0; t < count; t++)
        for (int i = t; i < 20000; i += count) part[t] += sin(i) * pow(10, i % 17);
    for (int t = 0; t < count; t++) sum += part[t];
    FILE *out = fopen("out.txt", "w");
    fprintf(out, "%.17g\n", sum);
    return fclose(out);
}
