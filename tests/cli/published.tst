# the table is reproduced, twice the same bytes
0	all 76 printed values are reproduced	$BIN/published --scores $DATA/published/scores.h5 --table $DATA/published/results_df.csv --out a.tsv
0	-	$BIN/published -q --threads 1 -s $DATA/published/scores.h5 -t $DATA/published/results_df.csv -o b.tsv && cmp a.tsv b.tsv
0	qkeras	grep -P '^qkeras\tTTtoHadronic\t27200\t' a.tsv
# one printed digit changed: the difference is named, and no table appears
1	qkeras QCD: roc_auc 0.26	sed 's/^qkeras,QCD,0.41,0.26/qkeras,QCD,0.41,0.27/' $DATA/published/results_df.csv > t.csv; $BIN/published -s $DATA/published/scores.h5 -t t.csv -o c.tsv
!c.tsv
1	1 of 76 printed values differ	sed 's/^1Em4,QCD,2.28/1Em4,QCD,2.29/' $DATA/published/results_df.csv > t.csv; $BIN/published -s $DATA/published/scores.h5 -t t.csv -o c.tsv
!c.tsv
# bad tables and score files
1	no.csv	$BIN/published -s $DATA/published/scores.h5 -t no.csv -o c.tsv
1	t.csv:1: header	echo 'model,process' > t.csv; $BIN/published -s $DATA/published/scores.h5 -t t.csv -o c.tsv
1	t.csv:2: four columns wanted	printf 'student_label,process,wasserstein_distance,roc_auc\n1Em4,QCD,2\n' > t.csv; $BIN/published -s $DATA/published/scores.h5 -t t.csv -o c.tsv
1	t.csv:2: 'two' is not a number	printf 'student_label,process,wasserstein_distance,roc_auc\n1Em4,QCD,two,1\n' > t.csv; $BIN/published -s $DATA/published/scores.h5 -t t.csv -o c.tsv
1	none	printf 'student_label,process,wasserstein_distance,roc_auc\nnone,QCD,2,1\n' > t.csv; $BIN/published -s $DATA/published/scores.h5 -t t.csv -o c.tsv
1	t.csv: no rows	printf 'student_label,process,wasserstein_distance,roc_auc\n' > t.csv; $BIN/published -s $DATA/published/scores.h5 -t t.csv -o c.tsv
1	t.h5	head -c 300000 $DATA/published/scores.h5 > t.h5; $BIN/published -s t.h5 -t $DATA/published/results_df.csv -o c.tsv
!c.tsv
1	/proc	$BIN/published -s $DATA/published/scores.h5 -t $DATA/published/results_df.csv -o /proc/x/c.tsv
2	--table is required	$BIN/published -s $DATA/published/scores.h5 -o c.tsv
