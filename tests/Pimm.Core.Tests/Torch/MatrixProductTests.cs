using System.Runtime.InteropServices;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Pimm.Core.Tests.Torch;

/// <summary>Float products go through our own sgemm_; double products through the system's BLAS and serve as the truth.</summary>
public sealed class MatrixProductTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Generator generator = new(3);

    public void Dispose()
    {
        generator.Dispose();
        scope.Dispose();
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(2, 3, 5)]
    [InlineData(17, 33, 1)]
    [InlineData(1, 64, 48)]
    [InlineData(129, 90, 128)]
    [InlineData(500, 7, 31)]
    [InlineData(0, 3, 2)]
    [InlineData(3, 0, 2)]
    public void Float_products_agree_with_double_products_in_every_transposition(long m, long k, long n)
    {
        foreach (bool left in new[] { false, true })
        {
            foreach (bool right in new[] { false, true })
            {
                var a = left ? Some(k, m).t() : Some(m, k);
                var b = right ? Some(n, k).t() : Some(k, n);

                Close(a.matmul(b), a.to(float64).matmul(b.to(float64)), k);
            }
        }
    }

    [Fact]
    public void Products_of_parts_of_larger_matrices_use_the_right_strides()
    {
        var a = Some(40, 30).narrow(1, 5, 20);
        var b = Some(50, 60).narrow(0, 7, 20).narrow(1, 3, 11);

        Close(a.matmul(b), a.to(float64).matmul(b.to(float64)), 20);

        var c = Some(40, 3);
        Close(a.t().matmul(c), a.t().to(float64).matmul(c.to(float64)), 40);
    }

    [Fact]
    public void What_is_added_is_scaled_and_a_zero_scale_hides_even_nan()
    {
        var (c, a, b) = (Some(9, 7), Some(9, 12), Some(12, 7));

        Close(c.addmm(a, b, 0.5f, 2), c.to(float64).addmm(a.to(float64), b.to(float64), 0.5f, 2), 12);
        Close(full(9, 7, float.NaN).addmm(a, b, 0, 1), a.to(float64).matmul(b.to(float64)), 12);
    }

    [Fact]
    public void Batched_products_agree_with_double_products()
    {
        var (a, b) = (Some(6, 20, 33), Some(6, 33, 21));

        Close(a.bmm(b), a.to(float64).bmm(b.to(float64)), 33);
    }

    [Fact]
    public void The_same_product_is_the_same_bits_every_time()
    {
        var (a, b) = (Some(2000, 90), Some(90, 128));
        var once = a.matmul(b).data<float>().ToArray();

        for (int i = 0; i < 20; i++)
        {
            using var again = a.matmul(b);
            MemoryMarshal.Cast<byte, float>(again.bytes).SequenceEqual(once).ShouldBeTrue();
        }
    }

    [Fact]
    public void While_long_rows_are_multiplied_signals_wait()
    {
        // .NET stops threads by signals, and the stack pointer lies in the heap then (Native/undisturbed.h).
        Assert.SkipUnless(NativeTorch.Blas == "oneDNN", "another BLAS multiplies here");
        const string Name = "multiplies";
        using var begun = new ManualResetEventSlim();
        using var stop = new ManualResetEventSlim();
        bool takesSignalsAfterwards = false;
        int before = get_num_threads();
        var thread = new Thread(() =>
        {
            set_num_threads(2);
            using var all = NewDisposeScope();
            var (a, b) = (ones(1000, 2000), ones(2000, 1000));
            while (!stop.IsSet)
            {
                a.matmul(b).Dispose();
                begun.Set();
            }
            takesSignalsAfterwards = !SignalsWait("/proc/thread-self");
        })
        { Name = Name };
        thread.Start();
        try
        {
            // Signals wait while a thread is made, too; and the one of OpenMP that helps has this one's name.
            begun.Wait(TimeSpan.FromSeconds(30)).ShouldBeTrue();
            var undisturbed = new HashSet<string>();
            SpinWait.SpinUntil(() =>
            {
                undisturbed.UnionWith(Directory.GetDirectories("/proc/self/task").Where(task => NameOf(task) == Name && SignalsWait(task)));
                return undisturbed.Count == 2;
            }, TimeSpan.FromSeconds(30));
            undisturbed.Count.ShouldBe(2);
        }
        finally
        {
            stop.Set();
            thread.Join();
            set_num_threads(before);
        }

        takesSignalsAfterwards.ShouldBeTrue();
    }

    private static string? NameOf(string task) => Lines(task, "comm").FirstOrDefault();

    // SIGRTMIN of glibc, which .NET's garbage collector sends.
    private static bool SignalsWait(string task) => Lines(task, "status").FirstOrDefault(line => line.StartsWith("SigBlk:", StringComparison.Ordinal)) is { } line
        && (Convert.ToUInt64(line["SigBlk:".Length..].Trim(), 16) & (1UL << (34 - 1))) != 0;

    private static string[] Lines(string task, string file)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(task, file));
        }
        catch (IOException)
        {
            return []; // The thread has ended.
        }
    }

    private Tensor Some(params long[] shape) => randn(shape, generator: generator);

    private static void Close(Tensor actual, Tensor expected, long terms)
    {
        actual.shape.ShouldBe(expected.shape);
        if (actual.NumberOfElements > 0)
            (actual - expected).abs().max().ToDouble().ShouldBeLessThan(1e-5 * Math.Sqrt(terms + 1));
    }
}
