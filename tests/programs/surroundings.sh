# Writes down one of the things that surround a command: each is a hidden input.
#
# Plain repeats: identical. The variation of the same name changes it.
case $1 in
cpus) grep Cpus_allowed_list /proc/self/status ;; # nproc also heeds OMP_NUM_THREADS
timezone) date -d @1700000000 +%F ;;
umask) touch new && stat -c %a new && rm new ;;
home) echo "$HOME" ;;
hostname) uname -n ;;
environment) env | grep -Ev '^(XT_|PWD=|OLDPWD=|_=|TMPDIR=)' | wc -c ;;
esac >out.txt
