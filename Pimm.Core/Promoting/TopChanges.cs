using Pimm.Core.Importing;
using Pimm.Core.Statistics;

namespace Pimm.Core.Promoting;

/// <summary>Whom several versions would reach first, and how those differ whom another version would reach instead of the first one.</summary>
internal sealed class TopChanges(int versions, int top)
{
    private const int MostAttributes = 12;
    private const int MostValues = 200;

    private static readonly SaltKey Ties = SaltKey.From("comparison of versions");

    private readonly List<float>[] _scores = [.. Enumerable.Range(0, versions).Select(_ => new List<float>())];
    private readonly List<ulong> _ties = [];
    private byte[] _in = [];

    public int Customers => _ties.Count;

    public int Top => Math.Min(top, Customers);

    /// <param name="score">of the last stage, by version</param>
    public void Add(Guid customer, ReadOnlySpan<float> score)
    {
        _ties.Add(CustomerHash.Salted(customer, Ties));
        for (var version = 0; version < versions; version++)
        {
            _scores[version].Add(score[version]);
        }
    }

    /// <summary>After all customers.</summary>
    public void Rank()
    {
        _in = new byte[Customers];
        for (var version = 0; version < versions; version++)
        {
            var scores = _scores[version];
            int[] order = [.. Enumerable.Range(0, Customers)];
            Array.Sort(order, (a, b) => scores[b].CompareTo(scores[a]) is var by and not 0 ? by : _ties[a].CompareTo(_ties[b]));
            foreach (var place in order.AsSpan(0, Top))
            {
                _in[place] |= (byte)(1 << version);
            }
        }
    }

    public int Shared(int version) => _in.Count(mask => (mask & 1) != 0 && (mask & (1 << version)) != 0);

    /// <summary>1: comes in with the version, −1: leaves, 0: neither.</summary>
    public int Move(int customer, int version) => ((_in[customer] >> version) & 1) - (_in[customer] & 1);

    /// <summary>Gathers the attributes of those who would change, batch by batch in the customers' order.</summary>
    public sealed class Attributes(IReadOnlyList<AudienceColumn> columns)
    {
        private readonly Sums[] _entering = [.. columns.Select(_ => new Sums())];
        private readonly Sums[] _leaving = [.. columns.Select(_ => new Sums())];

        public void Add(AttributeBatch batch, int row, bool entering)
        {
            for (var attribute = 0; attribute < columns.Count; attribute++)
            {
                var sums = (entering ? _entering : _leaving)[attribute];
                if (batch.Numbers[attribute] is { } numbers)
                {
                    sums.Add(numbers[row]);
                }
                else
                {
                    sums.Add(batch.Texts[attribute]![row]);
                }
            }
        }

        public IReadOnlyList<MovedAttribute> Largest() =>
            [.. columns.Select((column, place) => Moved(column, _entering[place], _leaving[place]))
                .Where(one => one.Size > 0).OrderByDescending(one => one.Size).Take(MostAttributes).Select(one => one.Attribute!)];

        private static (double Size, MovedAttribute? Attribute) Moved(AudienceColumn column, Sums entering, Sums leaving)
        {
            if (entering.Rows < TopChange.FewestPeople || leaving.Rows < TopChange.FewestPeople)
            {
                return default;
            }

            if (column.IsNumber)
            {
                var spread = Math.Sqrt((entering.Variance + leaving.Variance) / 2);
                return (spread > 0 ? Math.Abs(entering.Mean - leaving.Mean) / spread : 0, new(column.Name, null, column.Role, entering.Mean, leaving.Mean));
            }

            var value = entering.Values.Keys.Union(leaving.Values.Keys).OrderByDescending(one => Math.Abs(entering.ShareOf(one) - leaving.ShareOf(one))).ThenBy(one => one, StringComparer.Ordinal).FirstOrDefault();
            return value is null ? default : (2 * Math.Abs(entering.ShareOf(value) - leaving.ShareOf(value)), new(column.Name, value, column.Role, entering.ShareOf(value), leaving.ShareOf(value)));
        }
    }

    private sealed class Sums
    {
        private double _sum;
        private double _squares;

        public long Rows { get; private set; }

        public Dictionary<string, long> Values { get; } = new(StringComparer.Ordinal);

        public double Mean => _sum / Rows;

        public double Variance => Math.Max(0, (_squares / Rows) - (Mean * Mean));

        public double ShareOf(string value) => (double)Values.GetValueOrDefault(value) / Rows;

        public void Add(double number)
        {
            if (!double.IsNaN(number))
            {
                (_sum, _squares, Rows) = (_sum + number, _squares + (number * number), Rows + 1);
            }
        }

        public void Add(string? text)
        {
            if (text is null)
            {
                return;
            }

            Rows++;
            if (Values.Count < MostValues || Values.ContainsKey(text))
            {
                Values[text] = Values.GetValueOrDefault(text) + 1;
            }
        }
    }
}
