using System.Runtime.CompilerServices;
using Shouldly;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Pimm.Core.Tests.Torch;

[Collection(TorchCollection.Name)]
public class MemoryTests
{
    [Fact]
    public void Ten_thousand_training_steps_leave_no_tensor_and_a_flat_memory()
    {
        long before = LiveAfterCollection();
        using (var training = new TinyTraining())
        {
            Steps(training, 2_000);
            long memory = ResidentBytes();
            long alive = Tensor.TotalCount;

            Steps(training, 8_000);

            Tensor.TotalCount.ShouldBe(alive);
            (ResidentBytes() - memory).ShouldBeLessThan(8L << 20);
        }
        LiveAfterCollection().ShouldBe(before);
    }

    [Fact]
    public void A_scope_disposes_what_was_made_in_it_and_spares_what_was_moved_out()
    {
        using var outer = NewDisposeScope();
        Tensor kept, gone, detached;

        using (var inner = NewDisposeScope())
        {
            gone = ones(1);
            kept = ones(2).MoveToOuterDisposeScope();
            detached = inner.Detach(ones(3));
            inner.DisposablesCount.ShouldBe(1);
        }

        gone.IsInvalid.ShouldBeTrue();
        kept.IsInvalid.ShouldBeFalse();
        outer.DisposablesCount.ShouldBe(1);
        detached.IsInvalid.ShouldBeFalse();
        detached.Dispose();
    }

    [Fact]
    public void Scopes_can_be_emptied_early_and_filled_by_hand()
    {
        using var other = NewDisposeScope();
        using var scope = NewDisposeScope();
        var (a, b, c) = (ones(1), ones(1), ones(1));

        scope.DisposeEverythingBut(b).ShouldBeSameAs(b);
        (a.IsInvalid, b.IsInvalid, c.IsInvalid).ShouldBe((true, false, true));
        b.MoveToOtherDisposeScope(other);
        scope.DisposablesCount.ShouldBe(0);
        scope.Attach(b);
        other.DisposablesCount.ShouldBe(0);
        scope.DisposeEverything();

        b.IsInvalid.ShouldBeTrue();
    }

    [Fact]
    public void A_scope_that_was_forgotten_ends_with_the_one_around_it()
    {
        Tensor inside;
        using (NewDisposeScope())
        {
            NewDisposeScope();
            inside = ones(1);
        }

        inside.IsInvalid.ShouldBeTrue();
        // No scope is open any more: moving out of one changes nothing.
        using var loose = ones(1);
        loose.MoveToOuterDisposeScope().IsInvalid.ShouldBeFalse();
    }

    [Fact]
    public void Parameters_outlive_the_scope_they_were_made_in()
    {
        TorchSharp.Modules.Linear layer;
        using (NewDisposeScope())
            layer = Linear(2, 2);

        layer.weight.shape.ShouldBe([2, 2]);
        layer.Dispose();
        layer.weight.IsInvalid.ShouldBeTrue();
    }

    [Fact]
    public void Tensors_nobody_disposed_are_freed_by_the_collector()
    {
        long before = LiveAfterCollection();

        Litter();

        LiveAfterCollection().ShouldBe(before);
    }

    [Fact]
    public void A_pinned_array_is_let_go_with_its_last_tensor()
    {
        var array = Shared(out var tensor);
        Collect();
        array.IsAlive.ShouldBeTrue();

        tensor.Dispose();
        Collect();

        array.IsAlive.ShouldBeFalse();
    }

    [Fact]
    public void Several_threads_use_their_own_scopes_and_modes()
    {
        long before = LiveAfterCollection();

        Parallel.For(0, 8, i =>
        {
            using var scope = NewDisposeScope();
            using var mode = i % 2 == 0 ? no_grad() : enable_grad();
            var x = ones([1], requires_grad: true);
            for (int step = 0; step < 500; step++)
                (x * 2).requires_grad.ShouldBe(i % 2 != 0);
        });

        LiveAfterCollection().ShouldBe(before);
    }

    private static void Steps(TinyTraining training, int count)
    {
        for (int i = 0; i < count; i++)
            training.Step();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Litter()
    {
        for (int i = 0; i < 1000; i++)
            _ = ones(10) + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Shared(out Tensor tensor)
    {
        var array = new float[10];
        tensor = frombuffer(array, float32);
        return new WeakReference(array);
    }

    internal static long LiveAfterCollection()
    {
        Collect();
        return Tensor.TotalCount;
    }

    private static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    // Aggressive: the collector gives its own spare memory back, so that what remains is the native part.
    private static long ResidentBytes()
    {
        Collect();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
    }

    private sealed class TinyTraining : IDisposable
    {
        private readonly TorchSharp.Modules.Embedding table = Embedding(50, 4);
        private readonly TorchSharp.Modules.Sequential tower = Sequential(Linear(8, 16), ReLU(), Dropout(0.1), Linear(16, 1));
        private readonly TorchSharp.Modules.Adam adam;
        private readonly Tensor ids = randint(50, [32, 2]);
        private readonly Tensor labels = randint(2, [32, 1], float32);

        public TinyTraining() => adam = optim.Adam(table.parameters().Concat(tower.parameters()));

        public void Step()
        {
            using var scope = NewDisposeScope();
            adam.zero_grad();
            var loss = functional.binary_cross_entropy_with_logits(tower.call(table.call(ids).reshape(32, 8)), labels);
            loss.backward();
            adam.step();
        }

        public void Dispose()
        {
            ids.Dispose();
            labels.Dispose();
            adam.Dispose();
            tower.Dispose();
            table.Dispose();
        }
    }
}
