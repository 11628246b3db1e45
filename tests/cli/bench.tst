# only that it runs and what it prints: no test depends on a time
0	kernel/dense/forward	$BIN/bench -q --seconds 0.01 --only dense --data $DATA --out b.tsv
0	-	head -1 b.tsv | grep -q '^name	isa	threads	events	runs	wall_s	' && [ $(grep -c '^kernel/dense/' b.tsv) = 3 ] && ! grep -q conv b.tsv && grep -q '^peak/fma	v[234]	1	' b.tsv
0	-	awk -F'\t' 'NR == 1 {n = NF} NF != n {exit 1} /^kernel/ && !($4 == 16 || $4 == 128) {exit 1} /^kernel/ && !($6 > 0 && $7 > 0 && $7 <= $6 && $8 >= $9 && $10 > 0) {exit 1}' b.tsv
# the nominal work of the teacher: 5.2 MFLOP an event forward, 15.5 in training, by the layers' sizes; 3.3 and 9.7 are done
0	-	$BIN/bench -q --seconds 0.001 --only '^teacher/(score|train-512)' --threads 1 --data $DATA --out t.tsv && awk -F'\t' '$1 == "teacher/score" && $13 == 5.20884e+06 && $20 == 3.257e+06 {n++} $1 == "teacher/train-512" && $13 == 1.55358e+07 && $20 == 9.6878e+06 {n++} END {exit n != 2}' t.tsv
0	hgq-v2/train-1024	$BIN/bench -q --seconds 0.001 --only 'hgq-v2|qkeras-v2|programme-v1|simulate' --threads 1 --data $DATA
0	-	/usr/bin/python3 $root/plots/roofline.py 2>&1 | grep -q usage; cp b.tsv bench.tsv && /usr/bin/python3 $root/plots/roofline.py . r.pdf && /usr/bin/python3 $root/plots/roofline.py . r.png && head -c 5 r.pdf | grep -q %PDF
# the loops: threads against one thread, the Python peers beside ours
0	best peer	OMP_NUM_THREADS=2 $BIN/bench -q --seconds 0.001 --only '^(teacher/score|qkeras-v2|simulate/zb)' --threads 2 --data $DATA --out t.tsv --loops bench_loops.tsv
0	-	[ $(wc -l < bench_loops.tsv) = 4 ] && awk -F'\t' 'NR > 1 && ($3 != 2 || ($5 / $4 / $6 - 1)^2 > 1e-6) {n = 9} NR > 1 && $11 ~ /[0-9]/ {n += ($13 * $11 * $10 / 302 / $5 - 1)^2 < 1e-6} END {exit n != 2}' bench_loops.tsv
0	-	cp t.tsv bench.tsv && /usr/bin/python3 $root/plots/roofline.py . l.png
1	/proc/no	$BIN/bench -q --seconds 0.001 --only teacher/score --data $DATA --loops /proc/no/l.tsv
# kernels at other shapes than the teacher's
0	kernel/conv1x1/backward	$BIN/bench -q --seconds 0.001 --only 'kernel/conv[12]x[12]|deconv2x2|odd|towers'
# wrong usage, and what cannot be
2	--seconds 0	$BIN/bench -q --seconds 0
2	--seconds 1s	$BIN/bench -q --seconds 1s
2	--runs 4	$BIN/bench -q --runs 4
2	--only (	$BIN/bench -q --only '('
1	no measurement has such a name	$BIN/bench -q --seconds 0.001 --only nothing --data $DATA --out n.tsv
!n.tsv
1	absent/library/library.h5	$BIN/bench -q --seconds 0.001 --only teacher/score --data absent --out n.tsv
!n.tsv
1	/proc/no	$BIN/bench -q --seconds 0.001 --only adam --out /proc/no/b.tsv
1	-	ulimit -f 0; $BIN/bench -q --seconds 0.001 --only adam --out n.tsv >/dev/null
!n.tsv
