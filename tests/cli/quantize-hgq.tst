# quantize-hgq: a small simulated dataset, its teacher and targets first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5 && $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=1 -d d.h5 -o t.h5 && $BIN/distill -q --set distill.float_epochs=0 -d d.h5 -t t.h5 -o y.h5
0	-	printf '[student]\nname = small\nfamily = hgq\nhidden = 6\nfilters = 2\nepochs = 3\nbatch = 64\n[hgq]\nbits = data\n' > s.ini; sed 's/v2/v1/; s/epochs = 3/epochs = 3\narchitecture = v1/' s.ini > v1.ini
# the same bytes for any threads and instruction set; v2, v1, every start, the ramp
0	programme equals trainer on 4161 events	$BIN/quantize-hgq --student s.ini -d d.h5 -t y.h5 -o a.h5 --threads 1
0	-	$BIN/quantize-hgq -q --student s.ini -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp a.h5 b.h5
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/quantize-hgq -q --student s.ini -d d.h5 -t y.h5 -o b.h5 2>/dev/null; sha256sum < b.h5; done | sort -u | wc -l | grep -qx 1
# --profile: the same bytes, and shares that add up to 100 %
0	-	$BIN/quantize-hgq --profile --student s.ini -d d.h5 -t y.h5 -o profile.h5 2>log && cmp a.h5 profile.h5 && awk '/profile:/ {sum += $(NF-1); n++} END {exit !(n == 9 && sum > 99 && sum < 101)}' log
0	programme equals trainer	$BIN/quantize-hgq --student v1.ini -d d.h5 -t y.h5 -o v1.h5
0	programme equals trainer	$BIN/quantize-hgq --student s.ini --set hgq.bits=2025 --set hgq.bias_bits=2025 --set hgq.range=trained -d d.h5 -t y.h5 -o c.h5
0	programme equals trainer	$BIN/quantize-hgq --student s.ini --set hgq.bits=head --set hgq.fold=exact -d d.h5 -t y.h5 -o h.h5
0	programme equals trainer	$BIN/quantize-hgq --student s.ini --set hgq.fold=centred --set hgq.dropout=no --set hgq.average=0.9 --set hgq.weight_range_min=-20 -d d.h5 -t y.h5 -o ours.h5 --threads 1
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/quantize-hgq -q --student s.ini --set hgq.fold=centred --set hgq.dropout=no --set hgq.average=0.9 --set hgq.weight_range_min=-20 --threads 3 -d d.h5 -t y.h5 -o b.h5 2>/dev/null && cmp ours.h5 b.h5 || exit 1; done
0	-	for s in fold=centred dropout=no average=0.9 weight_range_min=1; do $BIN/quantize-hgq -q --student s.ini --set hgq.$s -d d.h5 -t y.h5 -o b.h5 && ! cmp -s a.h5 b.h5 || exit 1; done
# means of each checkpoint: other bytes, the same for any threads; WRAP ranges too
0	-	ours='--set hgq.fold=centred --set hgq.dropout=no --set hgq.average=0.9 --set hgq.weight_range_min=-20 --set hgq.recentre=300'; $BIN/quantize-hgq -q --student s.ini $ours -d d.h5 -t y.h5 -o mean.h5 --threads 1 && $BIN/quantize-hgq -q --student s.ini $ours -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp mean.h5 b.h5 && ! cmp -s mean.h5 ours.h5
0	programme equals trainer	$BIN/quantize-hgq --student v1.ini --set hgq.fold=centred --set hgq.recentre=1000000 --set hgq.range=trained -d d.h5 -t y.h5 -o vm.h5
0	epoch 3: beta 0.001	$BIN/quantize-hgq -v --student s.ini --set hgq.beta=1e-5 --set hgq.beta_end=1e-3 -d d.h5 -t y.h5 -o m.h5
0	-	$BIN/quantize-hgq -q --student s.ini --set student.seed=2 -d d.h5 -t y.h5 -o other.h5 && ! cmp -s a.h5 other.h5
# the student scores events
0	-	$BIN/emulate a.h5 zb.h5 | wc -l | grep -qx 416
# wrong usage
2	--targets is required	$BIN/quantize-hgq -q --student s.ini -d d.h5 -o no.h5
2	quantize-qkeras trains it	$BIN/quantize-hgq -q -d d.h5 -t y.h5 -o no.h5
2	a multiple of 16	$BIN/quantize-hgq -q --student s.ini --set student.batch=100 -d d.h5 -t y.h5 -o no.h5
2	needs hgq.beta > 0	$BIN/quantize-hgq -q --student s.ini --set hgq.beta=0 --set hgq.beta_end=1e-3 -d d.h5 -t y.h5 -o no.h5
2	only hgq.fold = centred	$BIN/quantize-hgq -q --student s.ini --set hgq.recentre=100 -d d.h5 -t y.h5 -o no.h5
2	hgq.recentre	$BIN/quantize-hgq -q --student s.ini --set hgq.fold=centred --set hgq.recentre=-1 -d d.h5 -t y.h5 -o no.h5
2	hgq.average	$BIN/quantize-hgq -q --student s.ini --set hgq.average=1 -d d.h5 -t y.h5 -o no.h5
2	only hgq+	$BIN/quantize-hgq -q --student s.ini --set front.points=4 --set front.cost=lut -d d.h5 -t y.h5 -o no.h5
2	hgq.bits	$BIN/quantize-hgq -q --student s.ini --set hgq.bits=7 -d d.h5 -t y.h5 -o no.h5
# wrong input
1	y.h5	$BIN/quantize-hgq -q --student s.ini -d y.h5 -t y.h5 -o no.h5
1	d.h5	$BIN/quantize-hgq -q --student s.ini -d d.h5 -t d.h5 -o no.h5
1	cut.h5	head -c 3000 y.h5 > cut.h5; $BIN/quantize-hgq -q --student s.ini -d d.h5 -t cut.h5 -o no.h5
1	longer than 63 characters	$BIN/quantize-hgq -q --student s.ini --set student.epochs=1 --set student.name=$(printf x%.0s $(seq 80)) -d d.h5 -t y.h5 -o no.h5
1	/proc/no	$BIN/quantize-hgq -q --student s.ini --set student.epochs=1 -d d.h5 -t y.h5 -o /proc/no/such
!no.h5
