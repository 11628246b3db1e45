# import-weights: good, then everything that can be wrong with a folder of weights
0	-	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2 --out v2.h5 && test -s v2.h5
0	-	$BIN/import-weights -q --arch v1 --in $DATA/firmware/v1p1p2/ --out v1.h5 --name deployed
0	-	$BIN/import-weights -q --arch v2 --in $DATA/published/qkeras_models/cicada-v2_folded_int.json --out json.h5
0	-	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2 --out again.h5 --threads 3 && cmp v2.h5 again.h5
0	sums of dense2	$BIN/import-weights --arch v2 --in $DATA/firmware/v2p1p2 --out v2.h5
0	architecture of the weights	$BIN/import-weights --help
# wrong usage
2	--arch is required	$BIN/import-weights -q --in $DATA/firmware/v2p1p2 --out no.h5
2	--arch v3: v1 or v2 wanted	$BIN/import-weights -q --arch v3 --in $DATA/firmware/v2p1p2 --out no.h5
2	--in is required	$BIN/import-weights -q --arch v2 --out no.h5
2	--out is required	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2
2	unexpected argument	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2 --out no.h5 more
!no.h5
# wrong folders
1	nowhere: No such file or directory	$BIN/import-weights -q --arch v2 --in nowhere --out no.h5
1	no file w<k>.txt	mkdir -p empty; $BIN/import-weights -q --arch v2 --in empty --out no.h5
1	architecture v2 needs, in the order of the file numbers, conv of 16 weights	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v1p1p2 --out no.h5
0	-	cp -r $DATA/firmware/v2p1p2 w && chmod -R u+w w && rm w/b3.txt w/b10.txt && $BIN/import-weights -q --arch v2 --in w --out nobias.h5
1	needs, in the order	rm w/b7.txt; $BIN/import-weights -q --arch v2 --in w --out no.h5
1	2 ways to find architecture v2	cp $DATA/firmware/v2p1p2/b7.txt w && cp w/w10.txt w/w12.txt && $BIN/import-weights -q --arch v2 --in w --out no.h5
0	-	rm w/w12.txt && for k in w b; do mv w/${k}7.txt w/${k}107.txt; done; mv w/w10.txt w/w200.txt; $BIN/import-weights -q --arch v2 --in w --out renumbered.h5
1	architecture v1 needs	mkdir -p few && echo 1, 2, 3 > few/w2.txt && $BIN/import-weights -q --arch v1 --in few --out no.h5
!no.h5
# wrong numbers
1	w7.txt: number 5 is 0.01, not a multiple of 2^-6	rm -rf g && cp -r $DATA/firmware/v2p1p2 g && chmod -R u+w g && sed 's/, [^,]*/, 0.01/5' $DATA/firmware/v2p1p2/w7.txt > g/w7.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	w7.txt: number 1 is nan	sed 's/, [^,]*/, nan/1' $DATA/firmware/v2p1p2/w7.txt > g/w7.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	w7.txt: number 1 is inf	sed 's/, [^,]*/, 1e999/1' $DATA/firmware/v2p1p2/w7.txt > g/w7.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	w7.txt: number 2 is 2, outside ap_fixed<8,2> (-2 to 1.984375)	sed 's/, [^,]*/, 2/2' $DATA/firmware/v2p1p2/w7.txt > g/w7.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	number 3: 'x7, 	sed 's/, [^,]*/, x7/3' $DATA/firmware/v2p1p2/w7.txt > g/w7.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	found w3 16 + b3 4, w7 4031 + b7 16	sed 's/, [^,]*//3' $DATA/firmware/v2p1p2/w7.txt > g/w7.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	w7 0 + b7 16	: > g/w7.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	b3.txt: number 2 is 0.5; this layer has no bias	cp $DATA/firmware/v2p1p2/w7.txt g && echo 0, 0, 0.5, 0 > g/b3.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	holds a zero byte	cp $DATA/firmware/v2p1p2/b3.txt g && printf '0\0' > g/b10.txt && $BIN/import-weights -q --arch v2 --in g --out no.h5
1	not v1	$BIN/import-weights -q --arch v1 --in $DATA/published/qkeras_models/cicada-v2_folded_int.json --out no.h5
1	no list 'conv_kernel_q8_tap_filter'	$BIN/import-weights -q --arch v2 --in $DATA/published/qkeras_models/cicada-v1_folded_int.json --out no.h5
1	cut.json: line	head -c 5000 $DATA/published/qkeras_models/cicada-v1_folded_int.json > cut.json; $BIN/import-weights -q --arch v1 --in cut.json --out no.h5
!no.h5
# the conv sums of the largest weights stay within 30 bits; the dense ones of v2 do not within 26
1	operation 2 'dense1': output 0 can reach	cp -r $DATA/firmware/v2p1p2 big && chmod -R u+w big && sed 's/[0-9.-]\{3,\}/1.984375/g' $DATA/firmware/v2p1p2/w7.txt > big/w7.txt && sed 's/[0-9.-]\{3,\}/7.99609375/g' $DATA/firmware/v2p1p2/w3.txt > big/w3.txt && $BIN/import-weights -q --arch v2 --in big --out no.h5
1	file: cannot make folder	: > file; $BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2 --out file/no.h5
!file/no.h5
1	-	$BIN/import-weights -q --arch v2 --in $DATA/firmware/v2p1p2 --out /dev/full/x.h5
