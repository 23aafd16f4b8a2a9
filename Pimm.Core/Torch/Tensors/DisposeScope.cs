namespace TorchSharp;

/// <summary>
/// Disposes on its own disposal every tensor that was made on its thread while it was the innermost scope,
/// except those moved out. A training step inside one leaves nothing behind.
/// </summary>
public sealed class DisposeScope : IDisposable
{
    // A step opens scopes of the same sizes again and again: their sets grow once.
    private const int MostSpare = 8;
    private const int LargestSpare = 1024;
    [ThreadStatic] private static Stack<HashSet<IDisposable>>? spare;

    private HashSet<IDisposable> disposables;
    private bool disposed;

    internal DisposeScope(DisposeScope? outer)
    {
        OuterScope = outer;
        disposables = spare is { Count: > 0 } ? spare.Pop() : new(ReferenceEqualityComparer.Instance);
    }

    public DisposeScope? OuterScope { get; }

    public int DisposablesCount => disposables.Count;

    public T Attach<T>(T disposable) where T : IDisposable
    {
        if (disposable is torch.Tensor tensor)
        {
            tensor.OwningDisposeScope?.Forget(tensor);
            tensor.OwningDisposeScope = this;
        }

        disposables.Add(disposable);
        return disposable;
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        if (disposables.Remove(disposable) && disposable is torch.Tensor tensor)
            tensor.OwningDisposeScope = null;
        return disposable;
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveTo(OuterScope, disposable);

    public T MoveToOther<T>(DisposeScope scope, T disposable) where T : IDisposable => MoveTo(scope, disposable);

    /// <summary>Disposes what belongs to the scope now; the scope stays open.</summary>
    public void DisposeEverything() => DisposeEverythingBut();

    public void DisposeEverythingBut(params IDisposable[] keep)
    {
        var kept = new HashSet<IDisposable>(keep, ReferenceEqualityComparer.Instance);
        foreach (var disposable in disposables.Where(d => !kept.Contains(d)).ToArray())
        {
            disposables.Remove(disposable);
            Release(disposable);
        }
    }

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut([keep]);
        return keep;
    }

    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        DisposeScopeManager.Leave(this);
        foreach (var disposable in disposables)
            Release(disposable);
        bool usual = disposables.Count <= LargestSpare;
        disposables.Clear();
        if (usual && (spare ??= new()).Count < MostSpare)
        {
            spare.Push(disposables);
            // Whoever still holds the scope may ask it, and must not reach into the next one's set.
            disposables = new(ReferenceEqualityComparer.Instance);
        }
    }

    internal void Include(torch.Tensor tensor)
    {
        tensor.OwningDisposeScope = this;
        disposables.Add(tensor);
    }

    internal void Forget(IDisposable disposable) => disposables.Remove(disposable);

    private static void Release(IDisposable disposable)
    {
        // Already out of the set: a tensor must not reach back into it while it is walked.
        if (disposable is torch.Tensor tensor)
            tensor.OwningDisposeScope = null;
        disposable.Dispose();
    }

    private T MoveTo<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        if (scope is null)
            return Detach(disposable);
        disposables.Remove(disposable);
        if (disposable is torch.Tensor tensor)
            tensor.OwningDisposeScope = null;
        return scope.Attach(disposable);
    }
}

/// <summary>The open scopes of each thread.</summary>
internal static class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScope? current;

    public static DisposeScope Enter() => current = new DisposeScope(current);

    public static void Adopt(torch.Tensor tensor) => current?.Include(tensor);

    /// <summary>Scopes opened inside it and forgotten end with it.</summary>
    public static void Leave(DisposeScope scope)
    {
        for (var open = current; open is not null; open = open.OuterScope)
        {
            if (!ReferenceEquals(open, scope))
                continue;
            var inner = current;
            current = scope.OuterScope;
            for (; !ReferenceEquals(inner, scope); inner = inner!.OuterScope)
                inner!.Dispose();
            return;
        }
    }
}

public static partial class torch
{
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.Enter();
}
