using System.Collections;

namespace Pimm.Core.Database;

/// <summary>Rows whose number is known last: kept in pieces, since a list that doubles copies all it has and takes three times the memory to do so.</summary>
public sealed class RowList<T> : IReadOnlyList<T>
{
    private const int PieceRows = 65_536;

    private readonly List<T[]> pieces = [];
    private T[] last = [];
    private int used = PieceRows;

    public int Count => (pieces.Count * PieceRows) - (PieceRows - used);

    public T this[int index] => (uint)index < (uint)Count ? pieces[index / PieceRows][index % PieceRows] : throw new ArgumentOutOfRangeException(nameof(index), index, $"There are {Count} rows.");

    public void Add(T row)
    {
        if (used == PieceRows)
        {
            pieces.Add(last = GC.AllocateUninitializedArray<T>(PieceRows));
            used = 0;
        }

        last[used++] = row;
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (var piece = 0; piece < pieces.Count; piece++)
        {
            var rows = piece + 1 < pieces.Count ? PieceRows : used;
            for (var row = 0; row < rows; row++)
            {
                yield return pieces[piece][row];
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
