namespace TorchSharp;

public static partial class torch
{
    /// <summary>One place in <c>tensor[…]</c>: a number, a slice, a tensor of positions, a new dimension, or everything.</summary>
    public readonly struct TensorIndex
    {
        private TensorIndex(Kind what, long start = 0, long stop = 0, long step = 1, Tensor? positions = null) =>
            (What, Start, Stop, Step, Positions) = (what, start, stop, step, positions);

        internal enum Kind { Single, Slice, Positions, NewDimension, Ellipsis }

        /// <summary>All of a dimension.</summary>
        public static TensorIndex Colon => Slice();

        /// <summary>As many whole dimensions as are left over.</summary>
        public static TensorIndex Ellipsis => new(Kind.Ellipsis);

        /// <summary>A new dimension of length 1.</summary>
        public static TensorIndex Null => new(Kind.NewDimension);

        internal Kind What { get; }

        internal long Start { get; }

        internal long Stop { get; }

        internal long Step { get; }

        internal Tensor? Positions { get; }

        public static TensorIndex Single(long index) => new(Kind.Single, index);

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new(Kind.Slice, start ?? 0, stop ?? long.MaxValue, step ?? 1);

        public static TensorIndex Tensor(Tensor tensor) => new(Kind.Positions, positions: tensor);

        public static implicit operator TensorIndex(long index) => Single(index);

        public static implicit operator TensorIndex(int index) => Single(index);

        public static implicit operator TensorIndex(Tensor tensor) => Tensor(tensor);

        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range.start, range.end);

        public static implicit operator TensorIndex(Range range) => range.Start.IsFromEnd
            ? Slice(-range.Start.Value, End(range.End))
            : Slice(range.Start.Value, End(range.End));

        private static long? End(Index end) => end.IsFromEnd ? (end.Value == 0 ? null : -end.Value) : end.Value;
    }

    public partial class Tensor
    {
        /// <summary>A view for numbers, slices and new dimensions; a copy as soon as a tensor of positions takes part.</summary>
        public Tensor this[params TensorIndex[] indices]
        {
            get
            {
                using var scope = NewDisposeScope();
                var (view, positions) = Narrowed(indices);
                var result = positions.Any(p => p is not null) ? Ops.Index.Call(view, Argument.Optionals(positions)) : view;
                return scope.MoveToOuter(ReferenceEquals(result, this) ? alias() : result);
            }
            set
            {
                using var scope = NewDisposeScope();
                var (view, positions) = Narrowed(indices);
                if (positions.Any(p => p is not null))
                    Ops.IndexPutInPlace.CallInPlace(view, Argument.Optionals(positions), value, false);
                else
                    view.copy_(value);
            }
        }

        /// <summary>Writes the value at the positions; with <paramref name="accumulate"/> adds it, repeated positions counting each time.</summary>
        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            using var scope = NewDisposeScope();
            var (view, positions) = Narrowed(indices);
            Ops.IndexPutInPlace.CallInPlace(view, Argument.Optionals(positions), value, accumulate);
            return this;
        }

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        private (Tensor View, Tensor?[] Positions) Narrowed(TensorIndex[] indices)
        {
            var view = this;
            var positions = new List<Tensor?>();
            int dimension = 0;
            int consumed = indices.Count(i => i.What is not (TensorIndex.Kind.NewDimension or TensorIndex.Kind.Ellipsis));
            foreach (var index in indices)
            {
                view = index.What switch
                {
                    TensorIndex.Kind.Single => view.select(dimension, index.Start),
                    TensorIndex.Kind.Slice => view.slice(dimension, index.Start, index.Stop, index.Step),
                    TensorIndex.Kind.NewDimension => view.unsqueeze(dimension),
                    _ => view,
                };
                int kept = index.What switch
                {
                    TensorIndex.Kind.Single => 0,
                    TensorIndex.Kind.Ellipsis => checked((int)dim() - consumed),
                    _ => 1,
                };
                for (int i = 0; i < kept; i++)
                    positions.Add(index.Positions);
                dimension += kept;
            }
            return (view, positions.ToArray());
        }
    }
}
