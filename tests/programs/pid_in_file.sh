# Names its part of the work by the number of its process.
#
# Source: the pid. Plain repeats: divergent. Diagnosis: pid.
echo "worker-$$ done" >out.txt
