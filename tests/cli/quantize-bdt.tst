# quantize-bdt: a small simulated dataset, its teacher and targets first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5 && $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=1 -d d.h5 -o t.h5 && $BIN/distill -q --set distill.float_epochs=0 -d d.h5 -t t.h5 -o y.h5
0	-	printf '[student]\nname = small\nfamily = bdt\n[bdt]\nview_from = 2 4\nview_bits = 2 3\nview_wrap = yes\ntiles = 18 1 6 7 18 14\ntrees = 6\ndepth = 3\nrate = 1\n' > s.ini
# the same bytes for any threads, instruction set and place of the images
0	programme equals trainer on 4161 events	$BIN/quantize-bdt --student s.ini -d d.h5 -t y.h5 -o a.h5 --threads 1
0	-	$BIN/quantize-bdt -q --student s.ini -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp a.h5 b.h5
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/quantize-bdt -q --student s.ini -d d.h5 -t y.h5 -o b.h5 2>/dev/null; sha256sum < b.h5; done | sort -u | wc -l | grep -qx 1
# E_T itself, deeper trees, coarse and fine leaves, a heavy tail
0	tree 9: loss	$BIN/quantize-bdt -v --student s.ini --set bdt.view_from=0 --set bdt.view_bits=10 --set bdt.depth=6 --set bdt.trees=9 --set bdt.leaf_bits=3 --set bdt.leaf_frac=8 -d d.h5 -t y.h5 -o c.h5
0	programme equals trainer	$BIN/quantize-bdt --student s.ini --set bdt.view_wrap=no --set 'bdt.tiles=1 1' --set bdt.tail_from=10 --set bdt.tail_weight=1000 --set bdt.clip=256 --set bdt.prior=0 --set bdt.leaf_bits=12 -d d.h5 -t y.h5 -o c.h5
# the student scores events and becomes firmware; programme = netlist = Verilog proved for all inputs
0	-	$BIN/emulate a.h5 zb.h5 | wc -l | grep -qx 416
0	0 mismatches of 200	$BIN/emit-hls --set hardware.check_software=200 --set hardware.check_simulation=60 --in a.h5 --data d.h5 --out fw && ! grep -q '"mismatches": [1-9]' fw/report.json
0	rules by SAT	printf '[student]\nname = two\nfamily = bdt\n[bdt]\nview_from = 5\nview_bits = 2\ntiles = 18 2\ntrees = 2\ndepth = 2\n' > two.ini; $BIN/quantize-bdt -q --student two.ini -d d.h5 -t y.h5 -o two.h5 && $BIN/emit-hls -q --in two.h5 --out f2 --prove p.tsv --set hardware.check_software=10 --set hardware.check_simulation=0 && awk -F'\t' 'NR > 1 && $5 != $6 { exit 1 } END { exit NR < 3 }' p.tsv && cat p.tsv
# wrong usage
0	sums of regions	$BIN/quantize-bdt --help
2	--targets is required	$BIN/quantize-bdt -q --student s.ini -d d.h5 -o no.h5
2	quantize-qkeras trains it	$BIN/quantize-bdt -q -d d.h5 -t y.h5 -o no.h5
2	the same number of values	$BIN/quantize-bdt -q --student s.ini --set bdt.view_bits=2 -d d.h5 -t y.h5 -o no.h5
2	height and width	$BIN/quantize-bdt -q --student s.ini --set bdt.tiles=3 -d d.h5 -t y.h5 -o no.h5
2	whole numbers wanted	$BIN/quantize-bdt -q --student s.ini --set 'bdt.tiles=1.5 1' -d d.h5 -t y.h5 -o no.h5
2	1 to 16 numbers	$BIN/quantize-bdt -q --student s.ini --set "bdt.tiles=$(seq -s ' ' 1 18)" -d d.h5 -t y.h5 -o no.h5
2	bdt.depth	$BIN/quantize-bdt -q --student s.ini --set bdt.depth=7 -d d.h5 -t y.h5 -o no.h5
2	trees have no front	$BIN/quantize-bdt -q --student s.ini --set front.points=5 -d d.h5 -t y.h5 -o no.h5
# wrong input
1	do not divide	$BIN/quantize-bdt -q --student s.ini --set 'bdt.tiles=5 5' -d d.h5 -t y.h5 -o no.h5
1	view 2 has 7 bits	$BIN/quantize-bdt -q --student s.ini --set 'bdt.view_bits=2 7' -d d.h5 -t y.h5 -o no.h5
1	y.h5	$BIN/quantize-bdt -q --student s.ini -d y.h5 -t y.h5 -o no.h5
1	cut.h5	head -c 3000 y.h5 > cut.h5; $BIN/quantize-bdt -q --student s.ini -d d.h5 -t cut.h5 -o no.h5
1	longer than 63 characters	$BIN/quantize-bdt -q --student s.ini --set student.name=$(printf x%.0s $(seq 80)) -d d.h5 -t y.h5 -o no.h5
1	/proc/no	$BIN/quantize-bdt -q --student s.ini -d d.h5 -t y.h5 -o /proc/no/such
!no.h5
