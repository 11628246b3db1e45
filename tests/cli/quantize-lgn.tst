# quantize-lgn: a small simulated dataset, its teacher and targets first
0	-	for s in zb tt_dil; do $BIN/simulate -q --set simulate.zb_train=320 --set simulate.zb_val=64 --set simulate.zb_test=32 --set simulate.signal_train=40 --set simulate.signal_val=16 --set simulate.signal_test=16 -l $DATA/library/library.h5 -s $s -o $s.h5 || exit 1; done; $BIN/preprocess -q -o d.h5 zb=zb.h5 tt_dil=tt_dil.h5 && $BIN/train-teacher -q --set teacher.batch=64 --set "teacher.width=4 6 8" --set teacher.epochs=1 -d d.h5 -o t.h5 && $BIN/distill -q --set distill.float_epochs=0 -d d.h5 -t t.h5 -o y.h5
0	-	printf '[student]\nname = small\nfamily = lgn\nepochs = 3\nbatch = 64\nlearning_rate = 0.02\n[lgn]\nthresholds = 3 15 63\nlayers = 96\ninputs = 4\n' > s.ini
# the same bytes for any threads and instruction set
0	programme equals trainer on 4488 events	$BIN/quantize-lgn --student s.ini -d d.h5 -t y.h5 -o a.h5 --threads 1
0	-	$BIN/quantize-lgn -q --student s.ini -d d.h5 -t y.h5 -o b.h5 --threads 3 && cmp a.h5 b.h5
0	-	for i in v2 v3 v4; do CB_ISA=$i $BIN/quantize-lgn -q --student s.ini -d d.h5 -t y.h5 -o b.h5 2>/dev/null; sha256sum < b.h5; done | sort -u | wc -l | grep -qx 1
0	-	$BIN/quantize-lgn -q --student s.ini --set student.seed=2 -d d.h5 -t y.h5 -o other.h5 && ! cmp -s a.h5 other.h5
# every kind of node, input, wiring, head; trees with pooling
0	programme equals trainer	$BIN/quantize-lgn --student s.ini --set lgn.nodes=warp --set lgn.noise=0.5 --set lgn.temperature=2 -d d.h5 -t y.h5 -o c.h5
0	programme equals trainer	$BIN/quantize-lgn --student s.ini --set lgn.nodes=raw --set lgn.inputs=2 --set lgn.wiring=unique --set lgn.input=lt --set lgn.forward=soft --set lgn.head=sum --set lgn.clamp_after=5 --set "lgn.layers=128 64" -d d.h5 -t y.h5 -o c.h5
0	programme equals trainer	$BIN/quantize-lgn --student s.ini --set lgn.kernels=3 --set lgn.field=3 --set lgn.stride=1 --set lgn.padding=1 --set lgn.levels=2 --set lgn.pool=2 --set lgn.channel_group=2 --set lgn.wiring=distinct --set lgn.input=ramp --set lgn.start=random --set lgn.tail_weight=3 -d d.h5 -t y.h5 -o c.h5
0	programme equals trainer	$BIN/quantize-lgn --student s.ini --set lgn.input=log --set lgn.thresholds=0 --set lgn.soft_steps=8 -d d.h5 -t y.h5 -o c.h5
# the student scores events, and becomes firmware without a mismatch
0	-	$BIN/emulate a.h5 zb.h5 | wc -l | grep -qx 416
0	0 mismatches of 200	$BIN/emit-hls --set hardware.check_software=200 --set hardware.check_simulation=60 --in a.h5 --data d.h5 --out fw && ! grep -q '"mismatches": [1-9]' fw/report.json && grep -q '"tables"' fw/report.json
# bits of the counts, tables shared along phi, hinges on two sums: programme, netlist and Verilog agree
0	programme equals trainer	printf '[student]\nname = ring\nfamily = lgn\nepochs = 3\nbatch = 64\nlearning_rate = 0.02\n[lgn]\ninput = binary\nthresholds = 4 8 16 32 64 128\nwiring = ring\nwindow = 1\nlayers = 14\nstart = threshold\nstart_noise = 0.5\ncount = yes\nfloor = yes\nhinges = 3\nunits = 2\nhinge_bits = 1\n' > r.ini && $BIN/quantize-lgn --student r.ini -d d.h5 -t y.h5 -o r.h5
0	-	for i in v2 v4; do CB_ISA=$i $BIN/quantize-lgn -q --threads 3 --student r.ini -d d.h5 -t y.h5 -o b.h5 2>/dev/null; cmp b.h5 r.h5 || exit 1; done
0	0 mismatches of 200	$BIN/emit-hls --set hardware.check_software=200 --set hardware.check_simulation=60 --in r.h5 --data d.h5 --out fr && ! grep -q '"mismatches": [1-9]' fr/report.json
# trained gates = programme = netlist = Verilog for all inputs
0	trained gates	$BIN/emit-hls -q --set hardware.check_software=10 --set hardware.check_simulation=0 --in r.h5 --out fq --prove q.tsv && awk -F'\t' 'NR > 1 && $5 != $6 { exit 1 } END { exit NR < 5 }' q.tsv && cat q.tsv
0	programme equals trainer	$BIN/quantize-lgn --student r.ini --set lgn.input=bits --set lgn.wiring=local --set lgn.count=no --set lgn.window=2 --set lgn.units=1 -d d.h5 -t y.h5 -o c.h5
# wrong usage
2	powers of two wanted	$BIN/quantize-lgn -q --student r.ini --set "lgn.thresholds=4 12" -d d.h5 -t y.h5 -o no.h5
2	quantize-hgq trains it	$BIN/quantize-lgn -q --student s.ini --set student.family=hgq -d d.h5 -t y.h5 -o no.h5
2	a multiple of 16	$BIN/quantize-lgn -q --student s.ini --set student.batch=100 -d d.h5 -t y.h5 -o no.h5
2	raw nodes have 2	$BIN/quantize-lgn -q --student s.ini --set lgn.nodes=raw -d d.h5 -t y.h5 -o no.h5
2	ascending whole numbers	$BIN/quantize-lgn -q --student s.ini --set "lgn.thresholds=3 3 7" -d d.h5 -t y.h5 -o no.h5
2	exactly one for lgn.input = log	$BIN/quantize-lgn -q --student s.ini --set lgn.input=log -d d.h5 -t y.h5 -o no.h5
2	lgn.inputs	$BIN/quantize-lgn -q --student s.ini --set lgn.inputs=7 -d d.h5 -t y.h5 -o no.h5
# wrong input
1	no multiple of 2^-16	$BIN/quantize-lgn -q --student s.ini --set student.epochs=1 --set lgn.head=sum --set lgn.tau=3 -d d.h5 -t y.h5 -o no.h5
1	field of 18	$BIN/quantize-lgn -q --student s.ini --set lgn.kernels=2 --set lgn.field=18 -d d.h5 -t y.h5 -o no.h5
1	y.h5	$BIN/quantize-lgn -q --student s.ini -d y.h5 -t y.h5 -o no.h5
1	cut.h5	head -c 3000 y.h5 > cut.h5; $BIN/quantize-lgn -q --student s.ini -d d.h5 -t cut.h5 -o no.h5
!no.h5
# the entropy term of the published script: it changes what is trained; only raw nodes have it
0	programme equals trainer	O='--set lgn.nodes=raw --set lgn.inputs=2 --set lgn.forward=soft'; $BIN/quantize-lgn -q --student s.ini $O -d d.h5 -t y.h5 -o e0.h5 && $BIN/quantize-lgn --student s.ini $O --set lgn.entropy=0.001 --set lgn.entropy_every=10 -d d.h5 -t y.h5 -o e1.h5 && ! cmp -s e0.h5 e1.h5
2	only raw nodes choose among gates	$BIN/quantize-lgn -q --student s.ini --set lgn.entropy=0.001 -d d.h5 -t y.h5 -o no.h5
# learnable wires and thresholds: same bytes for threads and instruction sets; wires and comparators differ from the fixed ones
0	programme equals trainer	$BIN/quantize-lgn --student s.ini --set lgn.candidates=5 --set lgn.learn_thresholds=log --threads 1 -d d.h5 -t y.h5 -o l1.h5
0	-	for i in v2 v4; do CB_ISA=$i $BIN/quantize-lgn -q --student s.ini --set lgn.candidates=5 --set lgn.learn_thresholds=log --threads 2 -d d.h5 -t y.h5 -o l2.h5 2>/dev/null; cmp l1.h5 l2.h5 || exit 1; done
0	programme equals trainer	$BIN/quantize-lgn --student s.ini --set lgn.candidates=3 --set lgn.nodes=raw --set lgn.inputs=2 --set lgn.forward=soft --set lgn.wiring=unique --set "lgn.layers=128 64" --set lgn.learn_thresholds=linear --set lgn.threshold_width=4 -d d.h5 -t y.h5 -o c.h5
2	with lgn.input = bits only	$BIN/quantize-lgn -q --student s.ini --set lgn.input=lt --set lgn.learn_thresholds=log -d d.h5 -t y.h5 -o no.h5
2	with lgn.input = bits only	$BIN/quantize-lgn -q --student s.ini --set lgn.input=binary --set "lgn.thresholds=4 8" --set lgn.learn_thresholds=log -d d.h5 -t y.h5 -o no.h5
2	hinges need lgn.head = weighted	$BIN/quantize-lgn -q --student s.ini --set lgn.head=sum --set lgn.hinges=4 -d d.h5 -t y.h5 -o no.h5
# behind the first layer of another student: same bytes for threads and instruction sets, firmware and proof of both together
0	-	printf '[student]\nname = views\nfamily = plus\nepochs = 1\nbatch = 64\n[plus]\nviews = 0.9\nview_bits = 2\nview_train = all\nunits = 2 2\nask = 2\n' > p.ini && $BIN/quantize-plus -q --student p.ini -d d.h5 -t y.h5 -o p.h5
0	-	printf '[student]\nname = behind\nfamily = lgn\nepochs = 2\nbatch = 64\nlearning_rate = 0.02\n[lgn]\nfront_end = views\nfront_layer = dense1_in\nthresholds = 0 255 511\nwiring = distinct\ncandidates = 2\nlayers = 24\ninputs = 4\nhinges = 2\n' > f.ini
0	front end of 'views'	$BIN/quantize-lgn --student f.ini --front-end p.h5 -d d.h5 -t y.h5 -o f.h5 --threads 1
0	-	for i in v2 v4; do CB_ISA=$i $BIN/quantize-lgn -q --student f.ini --front-end p.h5 -d d.h5 -t y.h5 -o b.h5 --threads 3 2>/dev/null; cmp f.h5 b.h5 || exit 1; done
0	trained gates	$BIN/emit-hls --set hardware.check_software=200 --set hardware.check_simulation=60 --in f.h5 --data d.h5 --out ff --prove q.tsv > log 2>&1 && grep -q '0 mismatches of 200' log && ! grep -q '"mismatches": [1-9]' ff/report.json && awk -F'\t' 'NR > 1 && $5 != $6 { exit 1 }' q.tsv && cat q.tsv
2	--front-end wants the file of that student	$BIN/quantize-lgn -q --student f.ini -d d.h5 -t y.h5 -o no.h5
2	lgn.front_end is empty	$BIN/quantize-lgn -q --student s.ini --front-end p.h5 -d d.h5 -t y.h5 -o no.h5
2	go together	$BIN/quantize-lgn -q --student f.ini --set lgn.front_layer= --front-end p.h5 -d d.h5 -t y.h5 -o no.h5
2	features lie on no image	$BIN/quantize-lgn -q --student f.ini --set lgn.wiring=local --front-end p.h5 -d d.h5 -t y.h5 -o no.h5
2	needs lgn.input = bits	$BIN/quantize-lgn -q --student f.ini --set lgn.learn_thresholds=log --front-end p.h5 -d d.h5 -t y.h5 -o no.h5
1	no quantizer 'dense9'	$BIN/quantize-lgn -q --student f.ini --set lgn.front_layer=dense9 --front-end p.h5 -d d.h5 -t y.h5 -o no.h5
1	d.h5	$BIN/quantize-lgn -q --student f.ini --front-end d.h5 -d d.h5 -t y.h5 -o no.h5
!no.h5
