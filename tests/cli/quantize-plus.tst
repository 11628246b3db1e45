# quantize-plus: a small simulated dataset, its teacher and targets first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5 && $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=1 -d d.h5 -o t.h5 && $BIN/distill -q --set distill.float_epochs=0 -d d.h5 -t t.h5 -o y.h5
0	-	printf '[student]\nname = small\nfamily = plus\nepochs = 3\nbatch = 64\n[plus]\nask = 2\n' > s.ini
# the same bytes for any threads and instruction set; every kind of view
0	programme equals trainer on 4161 events	$BIN/quantize-plus --student s.ini -d d.h5 -t y.h5 -o a.h5 --threads 1
0	-	$BIN/quantize-plus -q --student s.ini -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp a.h5 b.h5
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/quantize-plus -q --student s.ini -d d.h5 -t y.h5 -o b.h5 2>/dev/null; sha256sum < b.h5; done | sort -u | wc -l | grep -qx 1
0	programme equals trainer	$BIN/quantize-plus --student s.ini --set plus.view_wrap=no --set plus.view_train=all --set plus.view_formats=region --set plus.view_round=yes -d d.h5 -t y.h5 -o v.h5
0	programme equals trainer	$BIN/quantize-plus --student s.ini --set 'plus.views=0.5 0.9 0.99' --set 'plus.view_bits=1 2 3' --set 'plus.pool=3 2' --set plus.units=4 --set plus.last_bias=no --set plus.weight_most=1 -d d.h5 -t y.h5 -o u.h5
0	epoch 3: beta	$BIN/quantize-plus -v --student s.ini --set plus.gain=2 --set plus.lut=100 --set plus.estimate=widths -d d.h5 -t y.h5 -o m.h5
0	-	$BIN/quantize-plus -q --student s.ini --set student.seed=2 -d d.h5 -t y.h5 -o other.h5 && ! cmp -s a.h5 other.h5
# the student scores events and becomes firmware whose depth its own [hardware] section sets
0	-	$BIN/emulate a.h5 zb.h5 | wc -l | grep -qx 416
0	-	$BIN/emit-hls -q --set hardware.check_software=200 --set hardware.check_simulation=0 -i a.h5 -o f
# wrong usage
2	--targets is required	$BIN/quantize-plus -q --student s.ini -d d.h5 -o no.h5
2	quantize-qkeras trains it	$BIN/quantize-plus -q -d d.h5 -t y.h5 -o no.h5
2	a multiple of 16	$BIN/quantize-plus -q --student s.ini --set student.batch=100 -d d.h5 -t y.h5 -o no.h5
2	the same number of values	$BIN/quantize-plus -q --student s.ini --set plus.views=0.9 -d d.h5 -t y.h5 -o no.h5
2	height and width	$BIN/quantize-plus -q --student s.ini --set plus.pool=3 -d d.h5 -t y.h5 -o no.h5
2	1 to 3 layers	$BIN/quantize-plus -q --student s.ini --set 'plus.units=2 2 2 2' -d d.h5 -t y.h5 -o no.h5
2	one for each of the 3 layers	$BIN/quantize-plus -q --student s.ini --set 'plus.weight_most=1 2' -d d.h5 -t y.h5 -o no.h5
2	plus.view_train	$BIN/quantize-plus -q --student s.ini --set plus.view_train=some -d d.h5 -t y.h5 -o no.h5
# wrong input
1	do not divide	$BIN/quantize-plus -q --student s.ini --set 'plus.pool=5 5' -d d.h5 -t y.h5 -o no.h5
1	y.h5	$BIN/quantize-plus -q --student s.ini -d y.h5 -t y.h5 -o no.h5
1	d.h5	$BIN/quantize-plus -q --student s.ini -d d.h5 -t d.h5 -o no.h5
1	cut.h5	head -c 3000 y.h5 > cut.h5; $BIN/quantize-plus -q --student s.ini -d d.h5 -t cut.h5 -o no.h5
1	longer than 63 characters	$BIN/quantize-plus -q --student s.ini --set student.epochs=1 --set student.name=$(printf x%.0s $(seq 80)) -d d.h5 -t y.h5 -o no.h5
1	/proc/no	$BIN/quantize-plus -q --student s.ini --set student.epochs=1 -d d.h5 -t y.h5 -o /proc/no/such
!no.h5
