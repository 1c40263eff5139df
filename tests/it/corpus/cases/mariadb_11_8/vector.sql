-- VECTOR columns and their indexes.
CREATE TABLE v (id INT PRIMARY KEY, a VECTOR(3) NOT NULL, b VECTOR(2), VECTOR KEY vk (a) M=8 DISTANCE=cosine);
INSERT INTO v VALUES (1, VEC_FromText('[1,2,3]'), NULL), (2, VEC_FromText('[0.1,-0.5,1e18]'), VEC_FromText('[1e-38,16777217]'));
