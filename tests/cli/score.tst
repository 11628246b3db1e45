# a dataset, targets and two students in miniature
0	-	for s in zb tt_had; do $BIN/simulate -q --set simulate.zb_train=600 --set simulate.zb_val=100 --set simulate.zb_test=500 --set simulate.signal_train=20 --set simulate.signal_val=10 --set simulate.signal_test=100 --library $DATA/library/library.h5 --sample $s --out $s.h5 || exit 1; done
0	-	$BIN/preprocess -q --out d.h5 zb=zb.h5 tt_had=tt_had.h5 && $BIN/train-teacher -q --config $root/configs/tiny.ini --set teacher.epochs=1 --data d.h5 --out te.h5
0	-	$BIN/distill -q --config $root/configs/tiny.ini --set distill.outlier=none --set distill.float_epochs=1 --data d.h5 --teacher te.h5 --out ta.h5
0	-	for a in v1 v2; do $BIN/import-weights -q --arch $a --in $DATA/firmware/${a}p1p2 --out $a.h5; done
0	-	printf '{"rows": [{"student": "cicada-v1", "step": "estimate", "tool": "t", "version": "1", "part": "p", "rule": "r", "lut": 12, "ff": null, "status": "ok"}]}' > s.json; printf '{"student": "cicada-v1", "adders": 321, "depth": 14, "checks": [{"checked": 10000, "mismatches": 0}, {"checked": 500, "mismatches": 0}]}' > w.json
# tables: the same bytes from one and two threads, and in any order of the students
0	done	$BIN/score --threads 1 --data d.h5 --targets ta.h5 --out r --scores-out sc.h5 --report s.json --hardware w.json v1.h5 v2.h5
0	-	$BIN/score -q --threads 2 -d d.h5 -t ta.h5 -o r2 -r s.json -w w.json v2.h5 v1.h5 && for f in performance roc histograms students resources; do cmp r/$f.tsv r2/$f.tsv || exit 1; done
0	-	head -1 r/performance.tsv | grep -q '^student	family	seed	process	n	auc	auc_lo	auc_hi	emd	emd_lo	emd_hi	mae	eff_0.3khz	' && for s in cicada-v1 cicada-v2 teacher teacher-mse total-et max-et; do for p in zb tt_had; do [ $(grep -c "^$s	.*	$p	" r/performance.tsv) = 1 ] || exit 1; done; done
0	-	for f in performance students resources; do tail -n +2 r/$f.tsv | LC_ALL=C sort -c || exit 1; done
0	-	grep -q '^cicada-v1	firmware	[-0-9]*	nan	321	14	4096	0	10500$' r/students.tsv && grep -q '^cicada-v2	firmware	[-0-9]*	nan	nan	nan	4112	nan	nan$' r/students.tsv
0	-	grep -q '^cicada-v1	estimate	t	1	p	r	12	nan	nan	nan	nan	nan	nan	nan	ok$' r/resources.tsv
0	-	awk -F'\t' '$1 == "teacher" && $4 == "tt_had" && $9 == 0 && $12 == 0 && $6 > 0.6 {n++} $1 == "total-et" && $9 == "nan" {n++} END {exit n != 3}' r/performance.tsv
0	-	awk -F'\t' 'NR > 1 {n[$1 $2] += $5} END {for (k in n) if (n[k] != 500 && n[k] != 100) exit 1}' r/histograms.tsv
0	-	$BIN/score -q -d d.h5 -t ta.h5 -o r3 --set score.rates_khz='5 50' && head -1 r3/performance.tsv | grep -q 'eff_5khz	eff_5khz_lo	eff_5khz_hi	eff_50khz' && [ $(wc -l < r3/resources.tsv) = 1 ]
# a tool that failed is a row that says so; the tables are made all the same
0	-	printf '{"rows": [{"student": "cicada-v1", "step": "yosys-synth", "tool": "yosys", "version": "9.9", "part": "p", "rule": "raw-cells", "lut": null, "ff": null, "status": "failed: yosys: ended by signal 11"}]}' > f.json; $BIN/score -q -d d.h5 -t ta.h5 -o r4 -r s.json -r f.json v1.h5 v2.h5 && grep -q '^cicada-v1	yosys-synth	yosys	9.9	p	raw-cells	nan	.*	failed: yosys: ended by signal 11$' r4/resources.tsv && cmp r/performance.tsv r4/performance.tsv
# wrong usage
2	--data is required	$BIN/score -q --targets ta.h5 --out no v1.h5
2	--out is required	$BIN/score -q --data d.h5 --targets ta.h5 v1.h5
2	score.bootstraps	$BIN/score -q --set score.bootstraps=1 -d d.h5 -t ta.h5 -o no v1.h5
# inputs that do not fit together, or are not what they should be
1	two students are named 'cicada-v1'	$BIN/score -q -d d.h5 -t ta.h5 -o no v1.h5 v1.h5
1	absent.h5	$BIN/score -q -d d.h5 -t ta.h5 -o no absent.h5
1	cut.h5	head -c 2000 v1.h5 > cut.h5; $BIN/score -q -d d.h5 -t ta.h5 -o no cut.h5
1	cicada-bench/student/1	$BIN/score -q -d d.h5 -t ta.h5 -o no ta.h5
1	cicada-bench/targets/1	$BIN/score -q -d d.h5 -t d.h5 -o no v1.h5
1	cicada-bench/dataset/1	$BIN/score -q -d ta.h5 -t ta.h5 -o no v1.h5
1	cut.h5	head -c 100000 d.h5 > cut.h5; $BIN/score -q -d cut.h5 -t ta.h5 -o no v1.h5
1	no process zb	$BIN/preprocess -q --out other.h5 sig=zb.h5 sig2=tt_had.h5 && $BIN/score -q -d other.h5 -t ta.h5 -o no v1.h5
1	ta.h5	$BIN/preprocess -q --out other.h5 zb=zb.h5 && $BIN/score -q -d other.h5 -t ta.h5 -o no v1.h5
1	absent.json	$BIN/score -q -d d.h5 -t ta.h5 -o no -r absent.json v1.h5
1	bad.json:2	echo '{"rows": [' > bad.json; $BIN/score -q -d d.h5 -t ta.h5 -o no -r bad.json v1.h5
1	w.json: no rows	$BIN/score -q -d d.h5 -t ta.h5 -o no -r w.json v1.h5
1	s.json	$BIN/score -q -d d.h5 -t ta.h5 -o no -w s.json v1.h5
!no/performance.tsv
1	/proc	$BIN/score -q -d d.h5 -t ta.h5 -o /proc/no v1.h5
1	-	ulimit -f 1; $BIN/score -q -d d.h5 -t ta.h5 -o no v1.h5
!no/performance.tsv
0	-	! ls . no | grep tmp
