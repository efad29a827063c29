package wire

// A queue holds what is still to be answered, in order. It allocates nothing once it has grown to the
// length that a connection needs. The zero value is empty.
type queue[T any] struct {
	items []T
	first int
}

func (q *queue[T]) len() int { return len(q.items) - q.first }

// push puts item behind the others. They are moved when more have left than stay: a long pipeline costs
// no more for each than a short one.
func (q *queue[T]) push(item T) {
	if q.first > len(q.items)/2 && len(q.items) == cap(q.items) {
		q.items = q.items[:copy(q.items, q.items[q.first:])]
		q.first = 0
	}
	q.items = append(q.items, item)
}

// front is the one that has waited longest. There must be one.
func (q *queue[T]) front() *T { return &q.items[q.first] }

// second is the one behind the front. There must be one.
func (q *queue[T]) second() *T { return &q.items[q.first+1] }

// back is the one that was pushed last. There must be one.
func (q *queue[T]) back() *T { return &q.items[len(q.items)-1] }

// pop takes the front away.
func (q *queue[T]) pop() T {
	item := *q.front()
	if q.first++; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
	return item
}

// unpush takes the back away.
func (q *queue[T]) unpush() {
	if q.items = q.items[:len(q.items)-1]; q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	}
}
