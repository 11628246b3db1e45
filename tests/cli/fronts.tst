# fronts: training, picking, scoring. A small simulated dataset, its teacher and targets first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=64 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=32 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5 && $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=1 -d d.h5 -o t.h5 && $BIN/distill -q --set distill.float_epochs=0 -d d.h5 -t t.h5 -o y.h5
0	-	printf '[student]\nname = f\nfamily = hgq\narchitecture = v1\nhidden = 3\nepochs = 25\nbatch = 32\nlearning_rate = 0.1\n[hgq]\nstart_bits = 2\nbeta = 1e-6\nbeta_end = 1e-2\n[front]\npoints = 5\nworst = 1000\n' > f.ini; printf '[student]\nname = q\nfamily = qkeras\narchitecture = v1\nhidden = 3\nepochs = 2\nbatch = 64\n[front]\npoints = 5\nworst = 1000\nwidths = w8a8 d6.0s8.8g8 d4\n' > q.ini; printf '[student]\nname = u\nfamily = plus\nepochs = 5\nbatch = 64\nlearning_rate = 0.03\n[front]\npoints = 4\nworst = 1000\nbetas = 1e-5 1e-3 3e-2\n' > u.ini
# a ramp, a scan, an EBOPs budget, widths; the same bytes for any threads and instruction set
0	programmes equal trainers	$BIN/quantize-hgq --student f.ini -d d.h5 -t y.h5 -o a.h5 --threads 1
0	-	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp a.h5 b.h5 && CB_ISA=v2 $BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 -o b.h5 && cmp a.h5 b.h5
0	-	$BIN/quantize-hgq -q --student f.ini --set hgq.range=trained -d d.h5 -t y.h5 -o r.h5 --threads 1 && ! cmp -s a.h5 r.h5 && CB_ISA=v2 $BIN/quantize-hgq -q --student f.ini --set hgq.range=trained -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp r.h5 b.h5
0	on the fronts of 3 runs	$BIN/quantize-hgq --student f.ini --set 'front.betas=1e-6 1e-4 1e-2' -d d.h5 -t y.h5 -o s.h5 --threads 1
0	-	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set 'front.betas=1e-6 1e-4 1e-2' -o b.h5 --threads 3 && cmp s.h5 b.h5
# several starts, alone and times a scan
0	on the fronts of 2 runs	$BIN/quantize-hgq --student f.ini --set front.starts=2 -d d.h5 -t y.h5 -o two.h5 --threads 1
0	-	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set front.starts=2 -o b.h5 --threads 3 && cmp two.h5 b.h5 && ! cmp -s a.h5 two.h5
0	on the fronts of 4 runs	$BIN/quantize-hgq --student f.ini --set student.epochs=4 --set 'front.betas=1e-6 1e-3' --set front.starts=2 -d d.h5 -t y.h5 -o b.h5
0	programmes equal trainers	$BIN/quantize-hgq --student f.ini --set hgq.target_ebops=500 --set hgq.pid_warmup=2 --set hgq.cycle=4 -d d.h5 -t y.h5 -o p.h5
0	programme equals trainer	$BIN/quantize-hgq --student f.ini --set front.points=0 --set hgq.target_ebops=100000 -d d.h5 -t y.h5 -o one.h5
0	no epoch met hgq.target_ebops	$BIN/quantize-hgq --student f.ini --set front.points=0 --set hgq.target_ebops=1 -d d.h5 -t y.h5 -o far.h5
0	programmes equal trainers	$BIN/quantize-qkeras --student q.ini -d d.h5 -t y.h5 -o q.h5 --threads 1
0	-	$BIN/quantize-qkeras -q --student q.ini -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp q.h5 b.h5
0	-	for w in w8a8 w8a8n nw8a8; do $BIN/quantize-qkeras -v --student q.ini -d d.h5 -t y.h5 --threads 1 --set front.widths=$w -o b.h5 2>&1 | grep -o 'epoch .*' > $w; done; cmp w8a8n nw8a8 && test -s w8a8 && ! cmp -s w8a8 w8a8n
0	-	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set student.seed=2 --set student.name=f@2 -o a2.h5 && ! cmp -s a.h5 a2.h5
0	on the fronts of 3 runs	$BIN/quantize-plus --student u.ini -d d.h5 -t y.h5 -o u.h5 --threads 1
0	-	$BIN/quantize-plus -q --student u.ini -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp u.h5 b.h5 && CB_ISA=v2 $BIN/quantize-plus -q --student u.ini -d d.h5 -t y.h5 -o b.h5 && cmp u.h5 b.h5
0	programmes equal trainers	$BIN/quantize-plus --student u.ini --set front.betas= --set plus.gain=2 --set plus.lut=900 -d d.h5 -t y.h5 -o w.h5
0	LUT (estimate)	$BIN/quantize-plus --student u.ini --set front.cost=lut -d d.h5 -t y.h5 -o l.h5 --threads 1
0	-	$BIN/quantize-plus -q --student u.ini --set front.cost=lut -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp l.h5 b.h5 && $BIN/score-fronts -q -d d.h5 -t y.h5 -o rl l.h5 && awk -F'\t' 'NR > 1 {if (n++ && ($17 <= lut || $11 >= error)) bad = 1; lut = $17; error = $11} END {exit bad || n < 2}' rl/fronts.tsv
# one of them as a student file that the rest of the chain takes
0	point 0 of	$BIN/pick-student -i a.h5 -p 0 -o p0.h5 -n f.cheap
0	-	$BIN/emulate -q p0.h5 zb.h5 | wc -l | grep -qx 448
0	exact EBOPs	$BIN/pick-student -i a.h5 -e 1e9 -o best.h5
0	the cheapest is taken	$BIN/pick-student -i a.h5 -e 0.5 -o cheap.h5
0	-	$BIN/pick-student -q -i u.h5 -p 0 -o pu.h5 && $BIN/emulate -q pu.h5 zb.h5 | wc -l | grep -qx 448
0	-	$BIN/pick-student -q -i q.h5 -m 1.5 -o m.h5 && $BIN/pick-student -q -i a.h5 -p 0 -o p1.h5 -n f.cheap && cmp p0.h5 p1.h5
# tables: the same bytes from one and two threads; means over the two seeds; a pick's bits
0	points measured	$BIN/score-fronts --threads 1 -d d.h5 -t y.h5 -k p0.h5 -o r a.h5 a2.h5 q.h5 u.h5
0	-	$BIN/score-fronts -q -d d.h5 -t y.h5 --threads 2 -k p0.h5 -o r2 a.h5 a2.h5 q.h5 u.h5 && for f in fronts front_scores front_means front_runs front_bits; do cmp r/$f.tsv r2/$f.tsv || exit 1; done
0	-	for f in fronts front_scores front_means front_runs front_bits; do tail -n +2 r/$f.tsv | LC_ALL=C sort -c -s -t '	' -k1,4 || exit 1; done; awk -F'\t' '$1 == "f" && $7 == 2 && $10 != "nan" {n++} $1 == "q" && $7 == 1 {m++} END {exit !(n && m)}' r/front_means.tsv
0	-	awk -F'\t' '$2 == "dense1" && $3 == "weights" {n++} $2 == "dense1_in" && $3 == "data" {m++} END {exit n != 252 || m != 252}' r/front_bits.tsv
0	-	awk -F'\t' 'NR > 1 && $5 == "zb" && ($7 != "nan" || $10 <= 0) {exit 1}' r/front_scores.tsv
0	-	SOURCE_DATE_EPOCH=0 /usr/bin/python3 $root/plots/fronts.py r one.png && SOURCE_DATE_EPOCH=0 /usr/bin/python3 $root/plots/fronts.py r two.png && cmp one.png two.png
0	-	awk -F'\t' '$1 == "u" && $2 == "plus" && $8 > 0 && $10 > 0 && $17 > 0 {n++} END {exit n < 2 || n > 4}' r/fronts.tsv
0	-	$BIN/score-fronts -q -d d.h5 -t y.h5 -k pu.h5 -o ru u.h5 && SOURCE_DATE_EPOCH=0 /usr/bin/python3 $root/plots/fronts.py ru u.png
# wrong usage
2	needs front.points > 0	$BIN/quantize-plus -q --student u.ini -d d.h5 -t y.h5 --set front.points=0 -o no.h5
2	needs front.points > 0	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set front.points=0 --set front.betas=1e-4 -o no.h5
2	front.starts needs front.points	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set front.points=0 --set front.starts=2 -o no.h5
2	only HGQ has several	$BIN/quantize-plus -q --student u.ini -d d.h5 -t y.h5 --set front.starts=2 -o no.h5
2	more than 64 trainings	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set front.starts=40 --set 'front.betas=1e-5 1e-4' -o no.h5
2	front.starts	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set front.starts=0 -o no.h5
2	hgq.pid must be three numbers	$BIN/quantize-hgq -q --student f.ini -d d.h5 -t y.h5 --set hgq.target_ebops=5 --set 'hgq.pid=1 0 0' -o no.h5
2	two whole numbers wanted	$BIN/quantize-qkeras -q --student q.ini -d d.h5 -t y.h5 --set qkeras.dense=8 -o no.h5
2	qkeras.out: 1 bits	$BIN/quantize-qkeras -q --student q.ini -d d.h5 -t y.h5 --set 'qkeras.out=1 0' -o no.h5
2	front.points and front.widths	$BIN/quantize-qkeras -q --student q.ini -d d.h5 -t y.h5 --set front.widths= -o no.h5
2	one of --point	$BIN/pick-student -q -i a.h5 -o no.h5
2	one of --point	$BIN/pick-student -q -i a.h5 -p 1 -e 5 -o no.h5
2	a number of at least	$BIN/pick-student -q -i a.h5 -e many -o no.h5
# wrong input
1	expected at 'z4'	$BIN/quantize-qkeras -q --student q.ini -d d.h5 -t y.h5 --set front.widths=z4 -o no.h5
1	has points 0 to	$BIN/pick-student -q -i a.h5 -p 99 -o no.h5
1	cicada-bench/front/1	$BIN/pick-student -q -i y.h5 -p 0 -o no.h5
1	cut.h5	head -c 9000 a.h5 > cut.h5; $BIN/pick-student -q -i cut.h5 -p 0 -o no.h5
1	longer than 63	$BIN/pick-student -q -i a.h5 -p 0 -n $(printf x%.0s $(seq 80)) -o no.h5
!no.h5
1	named 'f' was given before	$BIN/score-fronts -q -d d.h5 -t y.h5 -o no a.h5 a.h5
1	cicada-bench/front/1	$BIN/score-fronts -q -d d.h5 -t y.h5 -o no p0.h5
1	no front named 'f'	$BIN/score-fronts -q -d d.h5 -t y.h5 -k p0.h5 -o no q.h5
1	front	$BIN/score-fronts -q -d d.h5 -t y.h5 -k one.h5 -o no a.h5
1	absent.h5	$BIN/score-fronts -q -d d.h5 -t y.h5 -o no absent.h5
1	y.h5	$BIN/preprocess -q --out other.h5 zb=zb.h5 && $BIN/score-fronts -q -d other.h5 -t y.h5 -o no a.h5
!no/fronts.tsv
