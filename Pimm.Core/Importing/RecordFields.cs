namespace Pimm.Core.Importing;

/// <summary>Where the fields of one record stand in the scanner's buffer. Fields beyond the most that a file may have are counted, not kept.</summary>
internal sealed class RecordFields
{
    private Field[] _fields = new Field[32];
    private byte[] _unescaped = [];

    private readonly record struct Field(int Start, int Length, bool Unescaped);

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    public ReadOnlySpan<byte> Read(int field, byte[] buffer)
    {
        var (start, length, unescaped) = _fields[field];
        return (unescaped ? _unescaped : buffer).AsSpan(start, length);
    }

    public void Add(int start, int length) => Add(new Field(start, length, false));

    /// <summary>
    /// Adds a field with its doubled quotes made single: in a second buffer at the same place, so that the raw record
    /// stays and two fields never meet.
    /// </summary>
    public void AddUnescaped(int start, ReadOnlySpan<byte> content, int bufferLength)
    {
        if (_unescaped.Length < bufferLength)
        {
            Array.Resize(ref _unescaped, bufferLength);
        }

        var length = 0;
        for (var place = 0; place < content.Length; place++)
        {
            _unescaped[start + length++] = content[place];
            place += content[place] == (byte)'"' ? 1 : 0;
        }

        Add(new Field(start, length, true));
    }

    private void Add(Field field)
    {
        if (Count == _fields.Length && _fields.Length <= ColumnNames.Maximum)
        {
            Array.Resize(ref _fields, _fields.Length * 2);
        }

        if (Count < _fields.Length)
        {
            _fields[Count] = field;
        }

        Count++;
    }
}
