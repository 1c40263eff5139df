-- Views that show rows as JSON documents.
CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(10));
INSERT INTO customers VALUES (1, 'a'), (2, 'b');
CREATE JSON RELATIONAL DUALITY VIEW documents AS SELECT JSON_DUALITY_OBJECT('_id': id, 'name': name) FROM customers;
